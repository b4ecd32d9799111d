import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verification } from '../src/index.ts';
import { type CloneScene, type CloneSettings, startCloneScene } from './clone-scene.ts';

// What `restage verify` says of two databases, and how sure that is.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Both databases made by hand, as they would be after a run, and compared. */
async function compare(settings: CloneSettings = {}, ...args: readonly string[]) {
  const { code, stdout } = await scene.restage(await scene.configure(settings), 'verify', '--json', ...args);
  const found = JSON.parse(stdout) as Verification; // its own document
  return { code, differences: found.differences, database: found.database, found };
}

async function arrangeBoth(sql: string, onSource = '', onTarget = ''): Promise<void> {
  await scene.arrange([sql, onSource].filter(Boolean), [sql, onTarget].filter(Boolean).join(';'));
}

const books = `
  create table books (id int primary key, title text, year int constraint books_year check (year > 0));
  insert into books select i, 'title ' || i, 1900 + i % 100 from generate_series(1, 100) i;`;

/** About 25 MB: more than is read whole in a quick look. */
const pages = `
  create table pages (book int, page int, "The text" text, primary key (page, book));
  insert into pages select i % 100, i, repeat(md5(i::text), 3) from generate_series(1, 160000) i;`;

test('each difference is a sentence and exit code 4; none is exit code 0', async () => {
  await arrangeBoth(
    `${books} create table authors (id serial primary key); insert into authors select from generate_series(1, 5);
     create index books_title on books (title); select lo_from_bytea(7, 'content');`,
  );
  const equal = await compare();
  expect([equal.code, equal.differences]).toEqual([0, []]);
  expect(equal.database).toMatchObject({ compared: 'content', largeObjects: { source: { rows: 1 } } });
  expect(equal.database?.integrity).toEqual({ constraints: 3, indexes: 3, sequences: 1, wrong: [] });
  await scene.onTarget(`
    update books set title = 'another' where id = 7;
    insert into books values (0, null, 1);
    delete from books where id = 1;
    select setval('authors_id_seq', 2);
    alter table books drop constraint books_year;
    alter table books add constraint books_year check (year > 0) not valid;
    update pg_index set indisvalid = false where indexrelid = 'books_title'::regclass;
    select lo_put(7, 0, 'CON')`);
  const { code, differences } = await compare();
  expect(code).toBe(4);
  expect(differences).toEqual([
    'table books has the same 100 rows by number, but not by content',
    'large objects: 1 in the source and 1 in the target, or not the same',
    "in the target constraint books_year of books is not valid, and the source's is: rows may break it",
    'in the target index books_title of books is not valid: its build failed, and no query uses it',
    'in the target sequence authors_id_seq is 3 behind what authors.id holds',
  ]);
  const { stdout } = await scene.restage(await scene.configure(), 'verify');
  expect(stdout).toContain('✗ 3 constraints and 3 indexes, 1 sequence: 3 wrong');
  expect(stdout).toContain('✗ 1 large object: different');
});

test('verify.tables: rows compares numbers, and says that it did', async () => {
  await arrangeBoth(books, '', `update books set title = 'another'`);
  expect((await compare()).code).toBe(4);
  const verifyRows = { verify: { tables: 'rows' } };
  const rows = await compare(verifyRows);
  expect([rows.code, rows.differences]).toEqual([0, []]);
  expect(rows.database?.tables).toMatchObject([{ source: { rows: 100 }, target: { rows: 100 } }]);
  expect(rows.database?.tables[0]?.source).not.toHaveProperty('content');
  const { stdout } = await scene.restage(await scene.configure(verifyRows), 'verify');
  expect(stdout).toMatch(/books +100 +100 {2}as many rows/);
  await scene.onTarget('delete from books where id = 3');
  expect((await compare(verifyRows)).differences).toEqual([
    'table books has 100 rows in the source and 99 in the target',
  ]);
});

test('--sample finds a lost row of any table, any change of a small one, and in a large one those of about one row in 64', async () => {
  await arrangeBoth(`${books} ${pages}`);
  const first = await compare({}, '--sample');
  expect([first.code, first.differences, first.database?.compared]).toEqual([0, [], 'sample']);
  const [small, large] = first.database?.tables ?? [];
  expect(small?.source).not.toHaveProperty('sampled');
  expect(large?.source.rows).toBe(160_000);
  expect(Math.abs((large?.source.sampled ?? 0) - 2500)).toBeLessThan(250);
  expect(large?.source).toEqual(large?.target);
  const changed = async (sql: string) => {
    await scene.onTarget(sql);
    return (await compare({}, '--sample')).differences;
  };
  const sampled = large?.source.sampled ?? 0;
  const differs = `table pages has the same 160,000 rows by number, but not by content; ${sampled.toLocaleString('en')} of them were compared`;
  // A change of one row in ten: that none of 2,500 is among them has a chance of one in 10^114.
  expect(await changed(`update pages set "The text" = 'x' where page % 10 = 0`)).toEqual([differs]);
  // Which rows are looked at is the same each time: of a hundred single rows some are, most are not.
  await scene.onTarget(`update pages p set "The text" = repeat(md5(page::text), 3) where page % 10 = 0`);
  expect((await compare({}, '--sample')).differences).toEqual([]);
  expect(await changed(`delete from pages where page = 1`)).toEqual([
    'table pages has 160,000 rows in the source and 159,999 in the target',
  ]);
  await scene.onTarget(`insert into pages values (1, 1, repeat(md5('1'), 3))`);
  expect(await changed(`update books set title = 'another' where id = 7`)).toEqual([
    'table books has the same 100 rows by number, but not by content',
  ]);
});

test('--sample reads a masked table by its rule, and the whole of one whose key is masked or that has none', async () => {
  const sql = `${pages} create table keyless as select * from pages; create table named as select page::text as name, book from pages;
     alter table named add primary key (name);`;
  await arrangeBoth(sql, '', `update pages set "The text" = null; update named set name = 'n' || name`);
  const settings = {
    database: {
      tables: { pages: { mask: { 'The text': 'null' }, where: 'page > 0' }, named: { set: { name: `'n' || name` } } },
    },
  };
  const { code, differences, database } = await compare(settings, '--sample');
  expect([code, differences]).toEqual([0, []]);
  const sampled = database?.tables.map(({ table, source }) => [table.name, source.rows, (source.sampled ?? 0) > 0]);
  expect(sampled).toEqual([
    ['keyless', 160_000, false],
    ['named', 160_000, false],
    ['pages', 160_000, true],
  ]);
  await scene.onTarget(`update pages set "The text" = 'real' where page % 10 = 0`);
  expect((await compare(settings, '--sample')).code).toBe(4);
});

test("of a merged table each of the source's rows must be there, and staging's own may", async () => {
  const tags = 'create table tags (id int primary key, "N" text, sub text, big text);';
  await scene.arrange(
    `${tags} insert into tags select i, 'n' || i, 'theirs', repeat('x', i % 50) from generate_series(1, 30000) i;
     create table notes (t text); insert into notes values ('a'), ('a'), ('b');`,
    `${tags} insert into tags select i, 'masked', 'ours', repeat('x', i % 50) from generate_series(1, 30000) i;
     insert into tags select -i, 'own', 'ours', '' from generate_series(1, 7) i;
     create table notes (t text); insert into notes values ('b'), ('a'), ('own'), ('a');`,
  );
  const rule = { rows: 'merge', set: { N: `'masked'` }, carry: { match: 'id', columns: ['sub'] } };
  const merge = (onCollision: string) => ({
    database: { tables: { tags: { ...rule, onCollision }, notes: { rows: 'merge' } } },
  });
  const equal = await compare(merge('source'));
  expect([equal.code, equal.differences]).toEqual([0, []]);
  expect(equal.database?.merged).toMatchObject([
    { table: { name: 'notes' }, source: 3, target: 4, same: 3, missing: 0 },
    { table: { name: 'tags' }, source: 30_000, target: 30_007, same: 30_000, ownColumns: ['sub'], equal: true },
  ]);
  await scene.onTarget(
    `delete from tags where id in (5, 6); update tags set big = 'y' where id = 9; delete from notes where t = 'a'`,
  );
  const { code, differences } = await compare(merge('source'));
  expect(code).toBe(4);
  expect(differences).toEqual([
    "table notes, beside staging's own rows: of the source's 3 rows, 1 in the target, 2 missing, 0 different",
    "table tags, beside staging's own rows: of the source's 30,000 rows, 29,997 in the target, 2 missing, 1 different",
  ]);
  expect((await compare(merge('target'))).differences).toHaveLength(1); // staging's own row may have won over another
});

test("what staging's further migrations have dropped, renamed or added is told and no difference; what they may have changed is one", async () => {
  const through = (...names: readonly string[]) => `
    create table knex_migrations (id serial primary key, name varchar(255), batch int, migration_time timestamptz);
    ${names.map((name) => `insert into knex_migrations (name, batch, migration_time) values ('${name}', 1, now());`).join('\n')}`;
  const more = `create table loans (id int primary key, book int); insert into loans values (1, 7);
    create table notes (id int primary key, note text); insert into notes values (1, 'ours')`;
  const migrated = `alter table books drop column year; alter table books add column tier text default 'x';
    alter table loans rename to lendings; insert into notes values (2, 'own'); alter table notes drop column note`;
  const merge = { database: { tables: { notes: { rows: 'merge' } } } };
  await arrangeBoth(`${books} ${more}`, through('1_init'), `${migrated}; ${through('1_init', '2_tier')}`);
  const ahead = await compare(merge);
  expect([ahead.code, ahead.differences]).toEqual([0, []]);
  expect(ahead.database).toMatchObject({
    migratedFurther: true,
    tables: [{ table: { name: 'books' }, missingColumns: ['year'], equal: true }],
    onlyInTarget: [{ name: 'lendings' }],
  });
  const { stdout } = await scene.restage(await scene.configure(merge), 'verify');
  expect(stdout).toMatch(/✓ {2}books +100 +100 {2}content equal, year left out: the target's migrations go further$/m);
  expect(stdout).toContain("loans: left out, for the target's migrations go further, and it has no such table");
  expect(stdout).toContain('notes: left out, for');
  expect(stdout).toContain('revision: 1_init at the source, 2_tier at the target, which goes further');

  await scene.onTarget(`update books set title = 'another' where id = 7`);
  expect((await compare(merge)).differences).toEqual([
    "table books has the same 100 rows by number, but not by content; the target's migrations go further, and may have changed it",
  ]);
  // Where production has been through as much, or through something else, nothing explains what is missing.
  const lacks = [
    'table books lacks year in the target',
    expect.stringContaining('loans is missing'),
    /notes lacks note/,
  ];
  for (const also of ['2_tier', '2_other']) {
    await scene.onSource(
      `delete from knex_migrations where id > 1; insert into knex_migrations (name) values ('${also}')`,
    );
    const { code, differences } = await compare(merge);
    expect([also, code, differences]).toEqual([
      also,
      4,
      [...lacks.slice(0, 2), expect.stringMatching(lacks[2] as RegExp)],
    ]);
  }
});

test('where nothing could be compared, that is a difference', async () => {
  await arrangeBoth(books);
  const left = await compare({ database: { tables: { books: 'empty' } } });
  expect([left.code, left.differences]).toEqual([
    4,
    ['no table could be compared, for every one is left out: nothing was'],
  ]);
  await scene.arrange('select 1');
  const none = await compare();
  expect([none.code, none.differences]).toEqual([
    4,
    [expect.stringMatching(/^production at 127\.0\.0\.1:\d+ has no table: nothing was compared$/)],
  ]);
});

test('rows that cannot be read are never taken for rows that are not there', async () => {
  await arrangeBoth(books);
  await scene.onTarget(
    `drop role if exists reader; create role reader login password 'reader-reader-1'; grant usage on schema public to reader`,
  );
  const url = new URL(scene.target.adminUrl('staging'));
  url.username = 'reader';
  url.password = 'reader-reader-1';
  const settings = { target: url.href };
  const closed = await scene.restage(await scene.configure(settings), 'verify');
  expect(closed.code).toBe(3);
  expect(closed.stderr).toContain('no right to select from books');
  expect(closed.stderr).toContain('At the target, as a superuser');
  await scene.onTarget(
    'grant select on books to reader; alter table books enable row level security; create policy none on books using (false)',
  );
  const hidden = await scene.restage(await scene.configure(settings), 'verify');
  expect([hidden.code, hidden.stderr]).toEqual([
    3,
    expect.stringContaining('row-level security would hide rows of books'),
  ]);
  // A left out table need not be readable.
  const left = await compare({ ...settings, database: { tables: { books: 'keep' } } });
  expect(left.code).toBe(4);
  expect(left.differences).toEqual(['no table could be compared, for every one is left out: nothing was']);
});

test('a source that reads empty though its statistics say otherwise is not called equal', async () => {
  await arrangeBoth(books);
  for (const on of [scene.onSource, scene.onTarget]) await on('analyze books');
  for (const on of [scene.onSource, scene.onTarget])
    await on('alter table books set (autovacuum_enabled = false); delete from books');
  const { code, differences } = await compare();
  expect([code, differences]).toEqual([
    4,
    ['table books reads no rows in the source, though its statistics say that it has about 100: nothing was compared'],
  ]);
  expect((await compare({ database: { mayBeEmpty: ['books'] } })).code).toBe(0);
});
