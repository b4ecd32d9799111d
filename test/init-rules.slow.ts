import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { connect, loadConfig, plan, type Config } from '../src/index.ts';
import { completeDraft, configText } from '../src/init/index.ts';
import { readTables } from '../src/postgres/catalog.ts';
import type { Address } from '../src/postgres/session.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { findUnmasked } from '../src/postgres/rules/unmasked.ts';
import { resolveRules } from '../src/resolve-rules.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { knownFile, loadKnown } from './known-database.ts';

// What `restage init` proposes for databases that it has never seen, a plan takes.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** The file that init would write for both databases, and the plan that is made from it. */
async function propose() {
  const variables = {
    SOURCE_URL: scene.source.adminUrl('production'),
    TARGET_URL: scene.target.adminUrl('staging'),
    RESTAGE_MASK_KEY: 'a secret of many characters',
  };
  const end = (name: string, url: string) => ({ name, buckets: {}, database: { url } });
  const drafted = { source: end('production', '${SOURCE_URL}'), target: end('staging', '${TARGET_URL}') };
  const { draft, notes } = await completeDraft(drafted, { variables });
  expect(notes).toEqual([]);
  const text = configText(draft);
  const config = loadConfig(text, { variables });
  using ends = await connect(config);
  return { text, database: config.database, planned: await plan(config, ends) };
}

/** What a plan would still call personal under these rules. */
async function stillPersonal(tables: Config['database']['tables']) {
  await using moment = await sourceDatabase(addressOf(scene.source.adminUrl('production'))).snapshot({ label: 'test' });
  const known = await readTables(moment.session);
  const { byTable, problems } = resolveRules(tables, known);
  expect(problems).toEqual([]);
  return await findUnmasked(moment.session, known, byTable);
}

function addressOf(text: string): Address {
  const { hostname, port, pathname, username, password } = new URL(text);
  return {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    password,
    tls: 'disable',
  };
}

test.for(['pagila', 'chinook'] as const)(
  '%s: a plan takes it, and nothing personal is left',
  async (name, { skip }) => {
    const { path, exists } = knownFile(name);
    skip(!exists, `${path} is not there`);
    await scene.arrange('');
    await loadKnown(scene.source.adminUrl('production'), name);
    const { database, planned } = await propose();
    expect(planned.refusals).toBeUndefined();
    expect(database.unmasked).toBe('refuse');
    expect(await stillPersonal(database.tables)).toEqual([]);
    const email = { pagila: 'customer', chinook: 'employee' }[name];
    expect(database.tables[email]?.mask).toMatchObject({
      email: 'email',
      first_name: 'firstName',
      last_name: 'lastName',
    });
  },
);

test('a schema of traps: a plan takes it, and nothing personal is left but what gets its mask by a foreign key', async () => {
  const both = `
    create table people ("E-Mail" text primary key, "Full Name" text not null unique, "auth0 id" text unique,
                         data jsonb not null, tags text[] not null, born date, pin smallint, photo bytea not null, home inet);
    create table accounts (id int primary key, email text unique, stripe_customer text);
    create table sessions (id int primary key, account int references accounts, token text);
    create table tokens (id int primary key, value text);
    create table token_uses (id int, token int references tokens);
    create table webhooks (id int primary key, url text, secret text, enabled boolean);
    create table jobs (id int primary key, state text, phone varchar(9) not null);
    create table audit_log (id int, what text);
    create table visits (at date not null, ip inet, email text references people) partition by range (at);
    create table visits_2026 partition of visits for values from ('2026-01-01') to ('2027-01-01');`;
  await scene.arrange(
    `${both} insert into people select i || '@p.example', 'name ' || i, i, jsonb_build_object('mail', i || '@p.example'),
       array[i || '@p.example'], '2000-01-01', i, '', '10.0.0.1' from generate_series(1, 50) i`,
    both,
  );
  const { database, planned, text } = await propose();
  expect(planned.refusals).toBeUndefined();
  expect(database.unmasked).toBe('refuse');
  expect(await stillPersonal(database.tables)).toMatchObject([{ table: { name: 'visits' }, column: 'email' }]);
  expect(parse(text).database.tables).toEqual({
    accounts: { mask: { email: 'email' }, carry: { match: 'email', columns: ['stripe_customer'] } },
    jobs: { mask: { phone: 'phone' } },
    people: {
      carry: { match: 'E-Mail', columns: ['auth0 id'] },
      mask: {
        'E-Mail': 'email',
        'Full Name': 'hash',
        data: { sql: "'{}'" },
        tags: 'email',
        born: { date: { shiftDays: 90 } },
        pin: 'hash',
        photo: 'hash',
        home: 'ip',
      },
    },
    sessions: { rows: 'keep', onOrphan: 'drop' },
    visits: { mask: { ip: 'ip' } },
    webhooks: { mask: { secret: 'token' } },
  });
  expect(text).toMatch(/^ +#tokens: keep$/m);
  expect(text).toMatch(/^ +#audit_log: empty$/m);
  expect(text).toContain("update jobs set state = 'cancelled' where state in ('pending', 'running')");
});
