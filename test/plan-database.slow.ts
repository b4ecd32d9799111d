import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodes, type ErrorCode, type Failure, type Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene, type CloneSettings } from './clone-scene.ts';
import { query } from './sql.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({}, { allow_in_place_tablespaces: 'on' });
  await query(scene.source.adminUrl(), `create role reader login password 'reads-only'`);
  await query(scene.target.adminUrl(), `create role builder login createdb password 'builds-beside'`);
});

afterAll(() => scene[Symbol.asyncDispose]());

/** The same database, as another role. */
function asRole(url: string, username: string, password: string): string {
  return Object.assign(new URL(url), { username, password }).href;
}

const asReader = () => ({ source: asRole(scene.source.adminUrl('production'), 'reader', 'reads-only') });
const asBuilder = () => ({ target: asRole(scene.target.adminUrl('staging'), 'builder', 'builds-beside') });

async function planned(settings: CloneSettings = {}): Promise<Plan> {
  const { code, stdout, stderr } = await scene.restage(await scene.configure(settings), 'plan', '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Plan; // the tests look at each field that they use
}

/** Requires a refusal of that code, alone or as the first of the plan, and gives it. */
async function refused(code: ErrorCode, settings: CloneSettings = {}): Promise<Failure & { readonly hint: string }> {
  const ended = await scene.restage(await scene.configure(settings), 'plan', '--json');
  const told = JSON.parse(ended.stdout) as { readonly error?: Failure } & Partial<Plan>; // one or the other
  const error = told.error ?? told.refusals?.[0];
  expect([error?.code, ended.code]).toEqual([code, exitCodes[code]]);
  expect(error?.hint).toEqual(expect.any(String));
  return error as Failure & { readonly hint: string }; // just looked at
}

/** The statements at the end of a hint. */
function statements(hint: string): string {
  return hint.slice(hint.indexOf(': ') + 2);
}

describe('a source that its role cannot read', () => {
  test('is refused with everything that is missing at once, and with the statements that mend it', async () => {
    await scene.arrange(`
      create schema billing;
      create table billing.bills (id int generated always as identity);
      create table books (id serial, title text);
      create table parted (id int) partition by range (id);
      create table parted_1 partition of parted for values from (0) to (10);
      create table "Many, ""quoted"" names" ();
      create view shelf as select 1;
      insert into books (title) values ('Emma');
      select lo_from_bytea(4711, 'a file'), lo_from_bytea(4712, 'another');
      grant select on large object 4712 to reader;
      grant select on parted_1 to reader`);
    const error = await refused('database-unfit', asReader());
    expect(error.message.split('\n').slice(1)).toEqual([
      '  the schema billing: no right to use it',
      '  3 tables: no right to select from "Many, ""quoted"" names", books, parted',
      '  1 sequence: no right to select from books_id_seq',
      '  1 large object: no right to select from 4711',
    ]);
    await scene.onSource(statements(error.hint));
    expect(await planned(asReader())).toMatchObject({ source: { database: { tables: 4, rows: 1 } } });
  });

  test('is refused where row-level security would hide rows, of a table of its own too', async () => {
    await scene.arrange(`
      create table open (id int);
      create table own (id int);
      create table forced (id int);
      create table others (id int);
      alter table own owner to reader;
      alter table forced owner to reader;
      alter table own enable row level security;
      alter table forced enable row level security;
      alter table forced force row level security;
      alter table others enable row level security;
      create policy everything on others using (true);
      insert into others values (1);
      grant select on all tables in schema public to reader`);
    const error = await refused('database-unfit', asReader());
    expect(error.message).toContain('2 tables: row-level security would hide rows of forced, others');
    expect(error.message).toContain('reader cannot read the whole of production');
    await scene.onSource(statements(error.hint));
    expect(await planned(asReader())).toMatchObject({ source: { database: { tables: 4, rows: 1 } } });
    await scene.onSource('alter role reader nobypassrls');
  });

  test('is told of its hundred tables by ten', async () => {
    await scene.arrange(`
      do $$ begin for n in 1..100 loop execute format('create table t%s (id int)', n); end loop; end $$`);
    const { message } = await refused('database-unfit', asReader());
    expect(message).toMatch(/100 tables: no right to select from (t\d+, ){9}t\d+ and 90 more$/);
  });
});

describe('a table that reads empty where the statistics say otherwise', () => {
  const emptied = `
    create schema "Odd";
    create table books (id int);
    create table "Odd"."Shelf" (id int);
    create table empty (id int);
    insert into books select generate_series(1, 30);
    insert into "Odd"."Shelf" select generate_series(1, 20);
    analyze;
    delete from books;
    delete from "Odd"."Shelf"`;

  test('is refused, until it is analyzed', async () => {
    await scene.arrange(emptied);
    const error = await refused('table-empty');
    expect(error.message).toMatch(/production at 127\.0\.0\.1:\d+ .* in Odd\.Shelf \(about 20\), books \(about 30\)$/);
    const statement = /analyze [^;]*/.exec(error.hint)?.[0] ?? 'no statement';
    await scene.onSource(statement);
    expect(await planned()).toMatchObject({ source: { database: { rows: 0 } } });
  });

  test('is believed where the configuration names it', async () => {
    await scene.arrange(emptied);
    const one = await refused('table-empty', { database: { mayBeEmpty: ['books'] } });
    expect(one.message).not.toContain('books');
    const { steps } = await planned({ database: { mayBeEmpty: ['books', 'Odd.Shelf'] } });
    expect(steps.filter((step) => step.kind === 'copy-table' && step.mayBeEmpty)).toHaveLength(2);
  });

  test('has a name in the configuration that a table must bear', async () => {
    const error = await refused('config-invalid', { database: { mayBeEmpty: ['boks', 'odd.shelf', 'zebras'] } });
    expect(error.message).toContain('no table boks; it has books');
    expect(error.message).toContain('no table odd.shelf; it has Odd.Shelf');
    expect(error.message).toMatch(/no table zebras$/);
  });
});

describe("the source's extensions", () => {
  test('are refused where the server of the target does not have them', async () => {
    await scene.arrange('create extension adminpack; create extension hstore');
    const error = await refused('database-unfit');
    expect(error.message).toContain('it does not have adminpack');
    expect(error.hint).toContain('skipExtensions: [adminpack]');
    expect(await planned({ database: { skipExtensions: ['adminpack'] } })).toMatchObject({ notes: [] });
  });

  test('are refused where the role at the target may not make them, but for trusted ones', async () => {
    await scene.arrange('create extension pg_stat_statements; create extension hstore');
    await scene.onTarget('alter database staging owner to builder', 'postgres');
    const error = await refused('database-unfit', asBuilder());
    expect(error.message).toContain('builder may not make pg_stat_statements, only a superuser may');
    expect(error.hint).toContain('skipExtensions: [pg_stat_statements]');
    await planned({ ...asBuilder(), database: { skipExtensions: ['pg_stat_statements'] } });
    // As on a managed server.
    await scene.onTarget('create role rds_superuser; grant rds_superuser to builder');
    await planned(asBuilder());
    await scene.onTarget('drop role rds_superuser');
  });

  test('are noted where the new version is another one', async () => {
    await scene.arrange(`create extension hstore version '1.7'; create extension unaccent`);
    const { notes } = await planned();
    expect(notes).toEqual(['the extension hstore is 1.7 at the source and will be 1.8 in the new database']);
  });

  test('are not left out where something needs them', async () => {
    await scene.arrange(`
      create extension hstore;
      create extension unaccent;
      create extension citext;
      create table books (id int, tags hstore);
      create index on books using gin (tags);
      create view shelf as select unaccent('é');
      create function tagged(hstore) returns int language sql as 'select 1'`);
    const error = await refused('database-unfit', { database: { skipExtensions: ['hstore', 'unaccent', 'citext'] } });
    expect(error.message).toBe(
      'the extension hstore is to be left out, but it is needed by public.books, public.tagged(public.hstore); the extension unaccent is to be left out, but it is needed by public.shelf',
    );
    expect((await planned({ database: { skipExtensions: ['citext'] } })).notes).toEqual([]);
  });

  test('that are left out and that staging has now are noted', async () => {
    await scene.arrange('create extension citext', 'create extension citext');
    expect((await planned({ database: { skipExtensions: ['citext'] } })).notes).toEqual([
      'the extension citext will not be made, by database.skipExtensions; staging has it now',
    ]);
  });

  test('are left out only by a name that one of them has', async () => {
    await scene.arrange('create extension hstore; create extension unaccent');
    const error = await refused('config-invalid', { database: { skipExtensions: ['hstor', 'unaccent'] } });
    expect(error.message).toMatch(/skipExtensions: the source has no extension hstor; it has hstore$/);
  });
});

describe('notes say before the run what will not arrive as it is', () => {
  test('of the source', async () => {
    await scene.arrange(`
      create table books (id int);
      create unique index broken on books (id);
      update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`);
    await query(scene.source.adminUrl(), `create tablespace "Fast" location ''`);
    await scene.onSource('alter table books set tablespace "Fast"');
    await scene.onSource(`
      create publication news for all tables;
      create subscription feed connection 'dbname=nowhere password=secret' publication news with (connect = false);
      insert into pg_seclabel values ('books'::regclass, 'pg_class'::regclass, 0, 'dummy', 'classified');
      create foreign data wrapper wires;
      create server archive foreign data wrapper wires options (host '10.0.0.9', dbname 'old', token 'secret');
      create user mapping for public server archive options (password 'secret');
      create function stop() returns event_trigger language plpgsql as 'begin end';
      create event trigger guard on ddl_command_start execute function stop()`);
    await scene.onTarget('alter database staging owner to builder', 'postgres');
    const { notes } = await planned(asBuilder());
    expect(notes).toEqual([
      '1 invalid index of the source will not be made, as no query uses them: public.broken',
      "1 tablespace of the source will not be used, everything lands in the database's own: Fast",
      '1 publication of the source will not be made, database.publications is false: news',
      '1 subscription of the source will not be made, they never are: feed',
      '1 security label of the source will not be set',
      "the foreign server archive will lead where the source's leads (host 10.0.0.9, dbname old), with 1 user mapping",
      "made only where the target's server lets builder do what elsewhere a superuser does: event trigger guard",
    ]);
    await scene.onSource('alter subscription feed set (slot_name = none)');
    await scene.onSource('drop subscription feed');
    const chosen = await planned({ ...asBuilder(), database: { publications: true } });
    expect(chosen.notes.join('\n')).toContain('event trigger guard, publication of all tables news');
    expect(chosen.notes.join('\n')).not.toContain('database.publications is false');
    expect((await planned()).notes.join('\n')).not.toContain('superuser');
  });

  test('of two databases that hold and sort text in two ways', async () => {
    await scene.arrange('create table books (id int)');
    await scene.onTarget('drop database staging', 'postgres');
    await scene.onTarget(
      `create database staging template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`,
      'postgres',
    );
    expect((await planned()).notes).toEqual([
      "the source's text is UTF8 and the target's is LATIN1: a character that it lacks stops the copy",
      'the source sorts text by libc C.UTF-8 and the target by libc C, as it does now',
    ]);
  });
});

test('a target whose tables are all of other roles can be replaced by the owner of the database', async () => {
  await scene.arrange(
    'create table books (id int); insert into books values (1)',
    `create table alembic_version (version_num text);
     create table others (id int);
     insert into others select generate_series(1, 100);
     analyze others`,
  );
  await scene.onTarget('alter database staging owner to builder', 'postgres');
  expect(await planned(asBuilder())).toMatchObject({ target: { database: { tables: 2, rows: 100 } } });
});

test('roles that the target does not have are refused by name', async () => {
  const error = await refused('config-invalid', { database: { owner: 'bilder', grants: { reader: 'nobody' } } });
  expect(error.message).toContain('bilder (did you mean builder?)');
});

test('tables that staging alone has are named', async () => {
  await scene.arrange(
    'create table shared (id int)',
    'create table shared (id int); create table own as select 1 as id',
  );
  expect((await planned()).notes).toEqual(['only staging has these tables, and the new database will not: own']);
});

test('a role of the source that is written wrong in grants is told with the near one', async () => {
  await scene.arrange('');
  await scene.onSource(`drop role if exists shop_app; create role shop_app`);
  const error = await refused('config-invalid', { database: { grants: { shop_ap: 'postgres' } } });
  expect(error.message).toMatch(
    /database\.grants begins with roles that the source's server .* shop_ap \(did you mean shop_app\?\)/,
  );
  await scene.onSource('drop role shop_app');
});

test('default privileges of the source are said not to be carried', async () => {
  await scene.arrange(`
    create schema shop;
    alter default privileges in schema shop grant select on tables to public`);
  const notes = (await planned()).notes.join('\n');
  expect(notes).toContain(
    "1 default privilege of the source will not be carried, staging's own stay: those of postgres in shop",
  );
});

test('production that has been through a migration that staging has not is refused, or told where that is the policy', async () => {
  const migrations = (...names: readonly string[]) => `
    create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
    ${names.map((name) => `insert into pgmigrations (name, run_on) values ('${name}', now());`).join('')}`;
  await scene.arrange(migrations('1_init', '2_tier'), migrations('1_init'));
  const { message, hint } = await refused('source-ahead');
  expect(message).toBe(
    "the source is ahead of the target: pgmigrations of the source has 2_tier (Tier), which the target's has not",
  );
  expect(hint).toContain('migrate.policy: warn');
  expect(await planned({ migrate: { policy: 'warn' } })).toMatchObject({
    migrations: [{ tool: 'node-pg-migrate', relation: 'source-ahead', beyond: [{ id: '2_tier' }] }],
    notes: [expect.stringMatching(/^the source is ahead of the target: .*; migrate\.policy is warn$/)],
  });
});
