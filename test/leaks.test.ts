import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

beforeEach(() =>
  scene.arrange(
    `create table users (id integer primary key, email text);
     insert into users select n, 'person' || n || '@mail.test' from generate_series(1, 50) n;
     create table audit (id integer primary key, payload jsonb, old jsonb);
     insert into audit select n, jsonb_build_object('was', 'Person' || n || '@MAIL.test'), '{}' from generate_series(1, 3) n`,
    `create table users (id integer primary key, email text); insert into users values (1, 'own@staging.test')`,
  ),
);

const masks = { key: 'a key that nobody guesses' };
const users = { mask: { email: 'email' } };

test('a real value in a table that nobody masked stops the run by name, and staging stays as it was', async () => {
  const config = await scene.configure({ database: { masks, tables: { users } } });
  const { code, report, stdout, stderr } = await scene.sync(config);
  expect(code).toBe(1);
  expect(report.failure).toMatchObject({
    code: 'leak-found',
    step: 'scan-leaks',
    message: expect.stringContaining('audit.payload holds values of users.email in 3 rows'),
    hint: expect.stringContaining('restage.yaml'),
  });
  expect(`${stdout}${stderr}`.toLowerCase()).not.toContain('@mail.test');
  expect(await scene.onTarget('select email from users')).toEqual([{ email: 'own@staging.test' }]);
  expect(await scene.onTarget(`select datname from pg_database where datname like 'staging\\_\\_%'`)).toEqual([]);
});

test('where nothing is to be scanned the plan says so', async () => {
  const config = await scene.configure({ database: { masks: { ...masks, scan: false }, tables: { users } } });
  const { stdout } = await scene.restage(config, 'plan');
  expect(stdout).toContain('database.masks.scan is false');
  expect(stdout).not.toContain('scan-leaks');
});
