import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Document } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requireWriteRefused } from '../src/postgres/login-facts.ts';
import { openSession as openOwn } from '../src/postgres/session.ts';
import { lockTarget, targetDatabase } from '../src/postgres/target.ts';
import type { Failure, Finding } from '../src/index.ts';
import { look as lookWith, type Looked } from './finding-of.ts';
import { type Scene, startScene } from './scene.ts';
import { openSession } from './sql.ts';

// What check says of databases and applications, and what other commands say of all that is wrong.
let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});
beforeEach(() => scene.environment.aws.clearFaults());
afterAll(() => scene[Symbol.asyncDispose]());

async function look(change: (config: Document) => void = () => undefined, mayWrite = false): Promise<Looked> {
  const { variables } = scene.environment;
  const file = await scene.configure(change);
  const profileFiles = {
    credentials: variables['AWS_SHARED_CREDENTIALS_FILE'],
    config: variables['AWS_CONFIG_FILE'],
  };
  const { STAGING_API_KEY: key = '' } = variables;
  return lookWith(await readFile(file, 'utf8'), { profileFiles, mayWrite }, key);
}

/** As the superuser of production's server. */
async function asAdmin(...statements: readonly string[]): Promise<void> {
  await using admin = await openSession(scene.environment.source.postgres.adminUrl('bluemoxon'));
  for (const statement of statements) await admin.query(statement);
}

/** The end logs in by this URL, and by no secret. */
const at = (side: 'source' | 'target', url: string | URL) => (config: Document) =>
  config.setIn([side, 'database'], config.createNode({ url: String(url) }));

function urlOf(side: 'source' | 'target', change: (url: URL) => void): URL {
  const url = new URL(scene.environment[side].databaseUrl);
  change(url);
  return url;
}

describe('on the command line', () => {
  test('the four tables of settings come out with one wrong profile, and its right name', async () => {
    const file = await scene.configure((config) => config.setIn(['target', 'aws', 'profile'], 'staging'));
    const { code, stdout } = await scene.restage('check', '--config', file);
    expect(code).toBe(1);
    const lines = stdout.split('\n');
    // Profiles.
    expect(stdout).toMatch(/^ {2}✓ source\.aws\.profile +bmx-prod +arn:aws:iam::111111111111:user\/bmx-prod$/m);
    const wrong = lines.findIndex((line) => line.startsWith('  ✗ target.aws.profile'));
    expect(lines[wrong]).toMatch(/^ {2}✗ target\.aws\.profile +staging +there is no AWS profile staging$/);
    expect(lines[wrong + 1]).toMatch(/^ {6}fix: Did you mean bmx-staging\?/);
    // Buckets.
    expect(stdout).toMatch(/^ {2}✓ source\.buckets\.images +bluemoxon-images +it can be listed, belongs to account 1/m);
    expect(stdout).toMatch(
      /^ {2}– target\.buckets\.images +bluemoxon-images-staging +not tried: target\.aws\.profile/m,
    );
    // Secrets.
    expect(stdout).toMatch(
      /^ {2}✓ source\.database\.secret +bluemoxon\/db-credentials +it holds host, port, username,/m,
    );
    expect(stdout).toMatch(
      /^ {2}– target\.database\.secret +bluemoxon-staging\/database +not tried: target\.aws\.pro/m,
    );
    // Hosts.
    expect(stdout).toMatch(
      /^ {2}✓ source\.database +by the secret +127\.0\.0\.1:\d+, database bluemoxon, logged in as/m,
    );
    expect(stdout).toMatch(/^ {2}– target\.database +by the secret +not tried: target\.aws\.profile is wrong$/m);
    // What does not rely on it is looked at all the same.
    expect(stdout).toMatch(/^ {2}✓ source\.database snapshot .*shared with a second session$/m);
    expect(stdout).toMatch(/^ {2}✓ target\.app\.environment +staging +staging$/m);
    expect(lines.at(-2)).toMatch(
      /^1 wrong \(target\.aws\.profile\), \d+ not tried because of that, \d+ right, [12] to know$/,
    );
  });

  test('--json gives the verdict and every finding, --only those of one part', async () => {
    const { code, stdout } = await scene.restage('check', '--json', '--only', 'objects');
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: readonly Finding[] };
    expect([code, ok, new Set(findings.map(({ verdict }) => verdict))]).toEqual([0, true, new Set(['right'])]);
    expect(findings.some(({ setting }) => setting === 'target.buckets.images write')).toBe(true);
    expect(findings.filter(({ setting }) => setting.includes('database'))).toEqual([]);
  });

  test('plan, sync and verify name every setting that is wrong, not only the first, and write nothing', async () => {
    await scene.environment.aws.resetRequests();
    const file = await scene.configure((config) => {
      config.setIn(['target', 'aws', 'profile'], 'staging');
      config.setIn(['source', 'database', 'secret'], 'bluemoxon/credentials');
      config.setIn(['source', 'app', 'environment'], 'prod');
    });
    const [planned, synced, verified] = await Promise.all([
      scene.restage('plan', '--config', file),
      scene.restage('sync', '--yes', '--config', file),
      scene.restage('verify', '--json', '--config', file),
    ]);
    for (const { code, stderr } of [planned, synced, verified]) {
      expect(code).toBe(2); // of what it met first
      // Which of the two is met first, and told without a row, is chance.
      expect(stderr).toMatch(/^✗ (the secret bluemoxon\/credentials |there is no AWS profile staging)/);
      expect(stderr).toContain('bluemoxon/db-credentials: is that the one?');
      expect(stderr).toContain('Did you mean bmx-staging?');
      expect(stderr).toContain('3 wrong (source.database.secret, target.aws.profile, source.app.environment)');
      expect(stderr).toMatch(/✗ source\.app\.environment +prod .*\n +fix: source\.app\.url leads to another/);
      expect(stderr).not.toContain('not tried: ');
    }
    const { error, findings } = JSON.parse(verified.stdout) as { error: Failure; findings: readonly Finding[] };
    expect(error.code).toMatch(/^(profile|secret)-missing$/);
    const wrong = findings.filter(({ verdict }) => verdict === 'wrong');
    expect(wrong.map(({ setting }) => setting)).toEqual([
      'source.database.secret',
      'target.aws.profile',
      'source.app.environment',
    ]);
    expect(findings.every(({ verdict }) => verdict === 'wrong' || verdict === 'not-tried')).toBe(true);
    expect(await scene.writes()).toBe(0);
  });

  test('what is wrong by itself is not told twice, and nothing is written to find more', async () => {
    await scene.environment.aws.resetRequests();
    const file = await scene.configure((config) => config.setIn(['source', 'database', 'secret'], 'bluemoxon/login'));
    const { code, stderr } = await scene.restage('plan', '--config', file);
    expect([code, stderr.match(/the secret bluemoxon\/login/g)]).toEqual([2, [expect.anything()]]);
    expect(await scene.writes()).toBe(0);
  });
});

test('all of the environment is right, but that the role of production could write, and the time-out of the function', async () => {
  const { findings, row } = await look();
  const notRight = findings.filter(({ verdict, group }) => verdict !== 'right' && group !== 'data');
  expect(notRight.map(({ setting }) => setting)).toEqual(['source.database writes', 'target.lambda.function']);
  expect(row('source.database writes')).toMatchObject({
    verdict: 'note',
    found: expect.stringMatching(
      /^bluemoxon could write: it owns the database, may write to 14 of 14 tables; in restage's session the server ref/,
    ),
    fix: expect.stringContaining('grant pg_read_all_data to restage_reader'),
  });
  expect(row('target.database version').found).toMatch(/^PostgreSQL 18\.\d+; the source is 16\.\d+$/);
  expect(row('migrate').found).toMatch(
    /^production q0123456cdef, staging s2345678klmn, 2 migrations between; staging's own code brings/,
  );
});

describe('the way to the database', () => {
  test('a host where nothing listens is told, and what relies on it is not tried', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number }; // it listens on a port
    await new Promise((resolve) => server.close(resolve));
    const { row } = await look(
      at(
        'target',
        urlOf('target', (url) => (url.port = String(port))),
      ),
    );
    expect(row('target.database')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(`127.0.0.1:${port}.*ECONNREFUSED`),
      fix: expect.stringContaining(String(port)),
    });
    expect(row('target.database owner').found).toBe('not tried: target.database is wrong');
    expect(row('target.database.tls').verdict).toBe('not-tried');
  });

  test('a wrong password, and a database that there is not, are told', async () => {
    const login = await look(
      at(
        'source',
        urlOf('source', (url) => (url.password = 'wrong-password')),
      ),
    );
    expect(login.row('source.database')).toMatchObject({ verdict: 'wrong', fix: expect.stringContaining('password') });
    const name = await look(
      at(
        'source',
        urlOf('source', (url) => (url.pathname = '/bluemoxen')),
      ),
    );
    expect(name.row('source.database')).toMatchObject({ verdict: 'wrong', fix: expect.stringContaining('name') });
    expect(name.row('target.database apart').found).toBe('not tried: source.database is wrong');
  });

  test('a host that is not the expected one is wrong', async () => {
    const { row } = await look((config) => config.setIn(['target', 'expect', 'host'], '*.rds.amazonaws.com'));
    expect(row('target.expect.host')).toMatchObject({
      verdict: 'wrong',
      configured: '*.rds.amazonaws.com',
      found: '127.0.0.1 is not *.rds.amazonaws.com',
      fix: expect.stringContaining('target.expect.host'),
    });
    // No password goes there.
    expect(row('target.database')).toMatchObject({ verdict: 'not-tried', found: expect.stringContaining('127.0.0.1') });
  });
});

describe('the source', () => {
  test('whose rows are hidden or closed is told with the statements that open them', async () => {
    await asAdmin(`create role narrow login password 'narrow-password'; grant select on books to narrow;
      alter table books enable row level security`);
    try {
      const url = urlOf('source', (to) => ((to.username = 'narrow'), (to.password = 'narrow-password')));
      const { row } = await look(at('source', url));
      expect(row('source.database rows')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringMatching(/no right to select from[\s\S]*row-level security would hide rows of books/),
        fix: expect.stringContaining('alter role "narrow" bypassrls'),
      });
      expect(row('source.database writes')).toMatchObject({
        verdict: 'right',
        found: "narrow can only read; in restage's session the server refuses it too",
      });
      expect(row('source.database role').found).toBe('narrow, without special attributes');
    } finally {
      await asAdmin(
        'alter table books disable row level security',
        'revoke all on books from narrow',
        'drop role narrow',
      );
    }
  });

  test('is wrong where its session could write after all', async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(scene.environment.source.databaseUrl);
    const address = { host, port: Number(port), user, password, database: pathname.slice(1), tls: 'disable' } as const;
    await using session = await openOwn(address, { access: 'read-write', label: 'a test' });
    await expect(requireWriteRefused(session)).rejects.toMatchObject({
      code: 'database-unfit',
      message: expect.stringContaining('the server did not refuse a write in a read-only session'),
      hint: expect.stringContaining('Name the PostgreSQL server itself'),
    });
  });

  test('a snapshot that cannot be shared is told', async () => {
    const [row] = await scene.onSource(`select count(*) as open from pg_stat_activity where usename = 'bluemoxon'`);
    // Its own session is among them: that leaves one more, beside the session that asks, for whoever holds the snapshot.
    await asAdmin(`alter role bluemoxon connection limit ${Number(row?.['open']) + 1}`);
    try {
      const { row: of } = await look((config) => config.deleteIn(['verify']));
      expect(of('source.database').verdict).toBe('right');
      expect(of('source.database snapshot')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('too many connections for role'),
        fix: expect.stringContaining('connection limit'),
      });
    } finally {
      await asAdmin('alter role bluemoxon connection limit -1');
    }
  });

  test('names of the config that it does not know are told', async () => {
    const { row } = await look((config) => {
      config.setIn(['database', 'skipExtensions'], ['pg_cron']);
      config.setIn(['database', 'owner'], 'bluemoxon_stagin');
      config.setIn(['database', 'grants', 'nobody_here'], 'bluemoxon_staging');
    });
    expect(row('database.skipExtensions')).toMatchObject({ verdict: 'wrong', fix: 'It has none at all.' });
    expect(row('database.owner')).toMatchObject({ verdict: 'wrong', found: /did you mean bluemoxon_staging\?/ });
    expect(row('database.grants')).toMatchObject({ group: 'source', verdict: 'wrong' });
  });
});

describe('the target', () => {
  test('whose role does not own it, or may not create databases, is told with both statements', async () => {
    await scene.onTarget('alter database bluemoxon_staging owner to postgres; alter role bluemoxon_staging nocreatedb');
    try {
      const { row } = await look();
      expect(row('target.database owner')).toMatchObject({
        verdict: 'wrong',
        fix: expect.stringContaining('alter database "bluemoxon_staging" owner to "bluemoxon_staging"'),
      });
      expect(row('target.database createdb')).toMatchObject({
        verdict: 'wrong',
        fix: expect.stringContaining('alter role "bluemoxon_staging" createdb'),
      });
    } finally {
      await scene.onTarget(
        'alter database bluemoxon_staging owner to bluemoxon_staging; alter role bluemoxon_staging createdb',
      );
    }
  });

  test('that is the source by another name is told, and no statement would make it fit', async () => {
    await asAdmin(`create role other login password 'other-password'; grant connect on database bluemoxon to other`);
    try {
      const { row } = await look(
        at(
          'target',
          urlOf(
            'source',
            (url) => ((url.hostname = 'localhost'), (url.username = 'other'), (url.password = 'other-password')),
          ),
        ),
      );
      expect(row('target.database apart')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('same database'),
        fix: expect.stringContaining('leads to the source'),
      });
      // None of the statements that would make the source fit to be replaced, or end its sessions.
      for (const setting of ['owner', 'createdb', 'sessions'])
        expect(row(`target.database ${setting}`)).toMatchObject({
          verdict: 'note',
          fix: 'Change nothing there: target.database apart is wrong.',
        });
    } finally {
      await asAdmin('revoke all on database bluemoxon from other', 'drop role other');
    }
  });

  test('that is older than the source, and has its ends the wrong way round, is told', async () => {
    const { source, target } = scene.environment;
    const { row } = await look((config) => {
      at('source', target.databaseUrl)(config);
      at('target', source.databaseUrl)(config);
    });
    expect(row('target.database version')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(/the source is PostgreSQL 18\.\d+, newer than the target's 16\.\d+/),
      fix: expect.stringContaining('upgrade the target first'),
    });
  });

  test('without an extension of the source is told with the ways out', async () => {
    await asAdmin('create extension pg_walinspect');
    try {
      expect((await look()).row('target.database extensions')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('bluemoxon_staging may not make pg_walinspect'),
        fix: expect.stringContaining('skipExtensions: [pg_walinspect]'),
      });
    } finally {
      await asAdmin('drop extension pg_walinspect');
    }
  });

  test('that bears the marker is told with the statement that takes it off, and no bucket is written to', async () => {
    await scene.onTarget(`comment on database bluemoxon_staging is 'of sales restage:protected'`);
    try {
      const { row } = await look(undefined, true);
      expect(row('target.database marker')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('is protected'),
        fix: expect.stringContaining(`comment on database "bluemoxon_staging" is 'of sales'`),
      });
      expect(row('target.buckets.images write').found).toBe('not tried: target.database marker is wrong');
    } finally {
      await scene.onTarget('comment on database bluemoxon_staging is null');
    }
  });

  test('with sessions that may not be ended, no other database and a run in progress is told', async () => {
    const { target } = scene.environment;
    const { hostname: host, port, username: user, password, pathname } = new URL(target.databaseUrl);
    const address = { host, port: Number(port), user, password, database: pathname.slice(1), tls: 'disable' } as const;
    await using _admin = await openSession(target.postgres.adminUrl('bluemoxon_staging'));
    await using _lock = await lockTarget(targetDatabase(address), '20251222-100000-abcd');
    await scene.onTarget(
      'revoke connect on database postgres from public; revoke connect on database template1 from public',
    );
    try {
      const { row } = await look();
      expect(row('target.database sessions')).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('postgres (1)'),
        fix: expect.stringContaining('grant pg_signal_backend to "bluemoxon_staging"'),
      });
      expect(row('target.database maintenance')).toMatchObject({
        verdict: 'wrong',
        fix: 'Let bluemoxon_staging connect to the database postgres.',
      });
      expect(row('target.database lock')).toMatchObject({
        verdict: 'note',
        found: expect.stringMatching(/by restage 20251222-100000-abcd \(user bluemoxon_staging .*since 20/),
      });
    } finally {
      await scene.onTarget(
        'grant connect on database postgres to public; grant connect on database template1 to public',
      );
    }
  });

  test('of another encoding or order is to know', async () => {
    await scene.onTarget(
      `create database sorted owner bluemoxon_staging template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`,
    );
    try {
      const { row } = await look(
        at(
          'target',
          urlOf('target', (url) => (url.pathname = '/sorted')),
        ),
      );
      expect(row('target.database encoding')).toMatchObject({
        verdict: 'note',
        found: expect.stringMatching(/text is UTF8 and the target's is LATIN1.*sorts text by libc C\.UTF-8/),
      });
    } finally {
      await scene.onTarget('drop database sorted');
    }
  });
});

describe('the application', () => {
  test('that cannot be reached is told, and its environment is not tried', async () => {
    const { row } = await look((config) => config.setIn(['target', 'app', 'url'], 'http://127.0.0.1:1/api'));
    expect(row('target.app.url')).toMatchObject({ verdict: 'wrong', fix: 'Is the application up, and its URL right?' });
    expect(row('target.app.environment').found).toBe('not tried: target.app.url is wrong');
    expect(row('verify.health.path').found).toBe('not tried: target.app.url is wrong');
  });

  test('of another environment is wrong, and one that is called production is no target', async () => {
    const { app } = scene.environment.source;
    const { row } = await look((config) => config.setIn(['target', 'app', 'url'], app.url));
    expect(row('target.app.url').verdict).toBe('right');
    expect(row('target.app.environment')).toMatchObject({
      verdict: 'wrong',
      configured: 'staging',
      fix: expect.stringContaining('wrong way round'),
    });
    const source = await look((config) => config.setIn(['source', 'app', 'environment'], 'prod'));
    expect(source.row('source.app.environment')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(/^http.* says that its environment is production, not prod$/),
      fix: expect.stringContaining('source.app.environment is wrong'),
    });
  });

  test('whose answer lacks a field is told', async () => {
    const { row } = await look((config) => config.setIn(['verify', 'totals', 0, 'read'], 'sum'));
    expect(row('verify.totals.0 at source')).toMatchObject({
      verdict: 'wrong',
      found: 'HTTP 200 without sum',
      fix: expect.stringContaining('must answer JSON with sum'),
    });
  });
});

describe('the rules for the data', () => {
  /** The configuration with these settings of the database, and of the objects. */
  const ruled = (database: object, objects?: object) => (config: Document) => {
    for (const [name, value] of Object.entries(database)) config.setIn(['database', name], config.createNode(value));
    if (objects) config.set('objects', config.createNode({ images: objects }));
  };
  const masks = { key: 'qW3-nobody-may-ever-see-this' };

  test('whatever is right of them is told as that, and the key of the masks is not shown', async () => {
    const { findings, row } = await look(
      ruled(
        {
          unmasked: 'refuse',
          masks,
          tables: {
            users: {
              mask: { email: 'email', first_name: 'firstName', last_name: 'lastName' },
              carry: { match: 'email', columns: ['cognito_sub'] },
              where: "role <> 'nobody' -- but those",
            },
            'eval_*': 'empty',
            api_keys: 'keep',
          },
          subset: {
            from: { books: 'id in (select id from books limit 1)' },
            children: ['book_*'],
            references: [{ from: 'book_images.caption', to: 'books.title' }],
          },
          afterLoad: [{ sql: 'delete from analysis_jobs' }],
        },
        { only: 'referenced', referencedBy: ['book_images.s3_key'] },
      ),
    );
    const data = findings.filter(({ group }) => group === 'data');
    expect(data.filter(({ verdict }) => verdict !== 'right')).toEqual([]);
    expect(data.map(({ setting }) => setting)).toEqual([
      'database.tables.users',
      'database.tables.eval_*',
      'database.tables.api_keys',
      'database.masks.key',
      'source.database sha256',
      'database.subset.from.books',
      'database.subset.children.0',
      'database.subset.references.0',
      'database.afterLoad.0',
      'objects.images.referencedBy',
      'database.unmasked',
    ]);
    expect(row('database.tables.users')).toMatchObject({
      found: 'the source has it',
      configured: expect.stringContaining('email: email; '),
    });
    expect(row('database.tables.eval_*').found).toMatch(/^\d tables: eval_/);
    expect(JSON.stringify(findings)).not.toContain(masks.key);
  });

  test('each that is wrong has a row that says what is, and what to do', async () => {
    const { row } = await look(
      ruled(
        {
          unmasked: 'refuse',
          masks: { key: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
          tables: {
            user: 'keep',
            'legacy_*': 'skip',
            users: { mask: { emial: 'email' } },
            api_keys: { allow: ['key_hash', 'name'] },
            books: { where: 'pric > 3' },
          },
          subset: {
            from: { book: 'true', authors: 'select 1; drop table authors' },
            children: ['nothing_*'],
            references: [{ from: 'book_images.captoin', to: 'books.title' }],
          },
          afterLoad: [{ file: 'not-there.sql' }],
        },
        { only: 'referenced', referencedBy: ['book_images.s3_keys'] },
      ),
    );
    const wrong = (setting: string, found: string | RegExp, fix: string) =>
      expect(row(setting), setting).toMatchObject({
        verdict: 'wrong',
        found: expect.stringMatching(found),
        fix: expect.stringContaining(fix),
      });
    wrong('database.tables.user', 'the source has no table user; it has users', 'Bare names are of the schema public');
    wrong('database.tables.legacy_*', 'no table that legacy_\\* matches', 'Bare names');
    wrong('database.tables.users', 'users has no column emial; did you mean email\\?', 'database.tables.users');
    wrong('database.tables.books', 'column "pric" does not exist', 'the SQL of books.where');
    wrong('database.subset.from.book', 'no table book; it has books', 'Bare names');
    wrong('database.subset.from.authors', 'syntax error', 'the SQL of database.subset.from.authors');
    wrong('database.subset.children.0', 'no table nothing_', 'Bare names');
    expect(row('database.subset.references.0').found).toMatch(
      /book_images has no column captoin; did you mean caption\?/,
    );
    wrong('database.afterLoad.0', 'ENOENT', "the config's own folder");
    expect(row('objects.images.referencedBy').found).toMatch(
      /book_images in .* has no column s3_keys; did you mean s3_key\?/,
    );
    wrong('database.unmasked', /users\.email \(its name says contact data\)/, 'database.tables');
    expect(row('database.masks.key')).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining('openssl rand -hex 32'),
    });
    expect((await look(ruled({ unmasked: 'warn', tables: {} }))).row('database.unmasked').verdict).toBe('note');
    expect(await scene.onSource('select count(*) > 0 as there from authors')).toEqual([{ there: 't' }]);
  });
});
