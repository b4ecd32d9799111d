import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../src/index.ts';
import { moment } from './clone-faults.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

// What a masked database holds beside its rows, and what the key of its masks decides afterwards.

let scene: CloneScene;
let config: string;
let otherKey: string;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(`
    create extension citext;
    create domain address_of as citext check (value like '%@%');
    create table "Users" (
      "Id" integer primary key, "E-Mail" address_of not null unique, "Full Name" varchar(60), plain text,
      low text generated always as (lower("Full Name")) stored);
    create index on "Users" (upper("Full Name"));
    create statistics of_users (mcv) on "Full Name", plain from "Users";
    create statistics of_name on (reverse("Full Name")) from "Users";
    create table orders (id integer primary key, mail citext references "Users" ("E-Mail"), plain text);
    create materialized view mails as select mail, count(*) from orders group by mail;
    insert into "Users"
    select n, 'quillon' || n || '@privatemail.test', 'Thessaly Quillfeather ' || n % 9, 'unmasked ' || n % 9 from generate_series(1, 300) n;
    insert into orders select n, 'quillon' || n % 9 + 1 || '@privatemail.test', 'unmasked ' || n % 9 from generate_series(1, 200) n;
    refresh materialized view mails;
    analyze`);
  const database = (key: string) => ({
    masks: { key },
    unmasked: 'allow',
    tables: {
      Users: { mask: { 'E-Mail': 'email', 'Full Name': 'name' }, carry: { match: 'E-Mail', columns: ['plain'] } },
    },
  });
  config = await scene.configure({ database: database('the key of the first refresh') });
  otherKey = await scene.configure({ database: database('another key than the first') });
  expect((await scene.restage(config, 'plan', '--out', 'plan.json')).code).toBe(0);
  expect((await scene.sync(config)).report.failure).toBeUndefined();
});
afterAll(() => scene[Symbol.asyncDispose]());

test("the new database's statistics are of masked values, and those of a column without a mask of its own", async () => {
  const statistics = `
    select tablename || '.' || attname as of, concat(most_common_vals, histogram_bounds, most_common_elems) as found from pg_stats
     where schemaname = 'public'
    union all
    select statistics_name || '', most_common_vals::text from pg_stats_ext
    union all
    select statistics_name || '.' || expr, concat(most_common_vals, histogram_bounds) from pg_stats_ext_exprs`;
  const raw = /quillon|privatemail|thessaly|quillfeather|rehtaefllauq|ylasseht/i;
  const of = (rows: readonly { of?: string | null; found?: string | null }[], what: RegExp) =>
    new Set(rows.flatMap((row) => (what.test(row.found ?? '') ? [row.of] : [])));
  // The same question finds them at the source.
  expect(of(await scene.onSource(statistics), raw)).toEqual(
    new Set([
      'Users.E-Mail',
      'Users.Full Name',
      'Users.low',
      'Users_upper_idx.upper',
      'mails.mail',
      'of_name.reverse(("Full Name")::text)',
      'of_users',
      'orders.mail',
    ]),
  );
  const found = await scene.onTarget(statistics);
  expect(of(found, raw)).toEqual(new Set());
  expect(of(found, /unmasked/)).toEqual(new Set(['Users.plain', 'of_users', 'orders.plain']));
  expect(of(found, /@example\.com/)).toEqual(new Set(['Users.E-Mail', 'mails.mail', 'orders.mail']));
});

test('restage verify finds it equal by the key that it was masked with, and by no other', async () => {
  const verified = await scene.restage(config, 'verify');
  expect([verified.code, verified.stderr]).toEqual([0, '']);
  const other = await scene.restage(otherKey, 'verify');
  expect([other.code, other.stdout]).toEqual([4, expect.stringMatching(/Users has the same 300 rows.*\n.*orders has/)]);
});

test('a plan made with another key is another plan, and one after a refresh by another key says so', async () => {
  const { code, stdout, stderr } = await scene.restage(otherKey, 'sync', '--yes', '--plan', 'plan.json', '--json');
  expect([code, stdout + stderr]).toEqual([
    3,
    expect.stringContaining('database.masks.key is another one than in the plan'),
  ]);
  const notes = async (file: string) =>
    (JSON.parse((await scene.restage(file, 'plan', '--json')).stdout) as Plan).notes.join(); // looked at below
  expect(await notes(config)).not.toContain('another key');
  expect(await notes(otherKey)).toContain('staging was masked with another key than database.masks.key is now');
});

test('columns of a masked table that change names while it is read stop the run', async () => {
  await scene.arrange(`
    create table people (id integer primary key, email text, note text); create table waits (id integer);
    insert into people values (1, 'quillon@privatemail.test', 'n'); insert into waits values (1); analyze`);
  const watched = await scene.configure({
    database: {
      jobs: 1,
      masks: { key: 'the key of the first refresh' },
      unmasked: 'allow',
      tables: { people: { mask: { email: 'email' } }, waits: { where: 'pg_sleep(3) is not null' } },
    },
  });
  const running = scene.begin(watched, 'sync', '--yes', '--json');
  await moment(scene.target, `select from pg_database where datname like 'staging\\_\\_incoming%'`);
  // The plan asks for these rows too; the run's own snapshot is there once it does.
  await moment(
    scene.source,
    `
    select from pg_stat_activity where state = 'active' and query ilike '%copy%pg_sleep%' and pid <> pg_backend_pid()`,
  );
  await scene.onSource(`
    alter table people rename email to other; alter table people rename note to email; alter table people rename other to note`);
  const { code, stdout } = await running.ended;
  expect([code, stdout]).toEqual([1, expect.stringContaining('had another name when the run began')]);
  expect(await scene.onTarget(`select from pg_class where relname = 'people'`)).toEqual([]);
});
