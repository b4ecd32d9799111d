import { everyVersion, startNewest, type Newest } from './every-version.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DriftReport } from '../src/index.ts';
import { sqlFile, startCloneScene, type CloneScene } from './clone-scene.ts';
import { knownDatabases, knownFile, loadKnown } from './known-database.ts';

let newest: Newest;
beforeAll(async () => {
  newest = await startNewest();
});
afterAll(() => newest[Symbol.asyncDispose]());

describe.each(everyVersion)('from PostgreSQL %i to 18', (version, name) => {
  let scene: CloneScene;
  beforeAll(async () => {
    scene = await startCloneScene({ source: name, target: newest.target });
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  async function driftAfterSync(): Promise<DriftReport> {
    const config = await scene.configure();
    const { code, report } = await scene.sync(config);
    expect([code, report.failure]).toEqual([0, undefined]);
    const ended = await scene.restage(config, 'drift', '--json', '--exit-code');
    expect(ended.stderr).toBe('');
    const found = JSON.parse(ended.stdout) as DriftReport; // one that was written just now
    expect(ended.code).toBe(found.drift.differences.length === 0 ? 0 : 4);
    return found;
  }

  test('a clone of a database with one of everything has no drift', async () => {
    const newer = [15, 16, 17, 18].filter((since) => since <= version).map((since) => `since-${since}`);
    const [roles = '', ...files] = await Promise.all(
      ['roles', 'types', 'tables', 'code', 'values', ...newer].map((file) => sqlFile(`complete/${file}.sql`)),
    );
    await scene.arrange([roles, ...files], roles);
    const { drift } = await driftAfterSync();
    expect(drift.differences).toEqual([]);
    expect(drift.objects).toBeGreaterThan(500);
  });

  test('expressions that a server prints otherwise once they were restored have none', async () => {
    await scene.arrange(`
      create table orders (id int primary key, state varchar(20) default 'new', sum numeric, at date, note varchar(9) default null,
        constraint known check (state in ('new', 'paid', 'sent')),
        constraint between_both check (sum between 0 and 1000 and at between '2000-01-01' and '2100-01-01' and id > 0));
      create index open_orders on orders (at) where state in ('new', 'paid');
      create view paid as select o.id, o.state as "from", (select max(i.id) from orders i where i.at < o.at) as last from orders o
        where o.state in ('paid', 'sent') and o.sum between 1 and 2 and o.at is not null order by o.id;
      create view of_cte as with recent as (select * from orders where at > '2020-01-01') select recent.id from recent;
      create view of_join as select a.id from orders a join orders b using (id);
      create materialized view counted as select state, count(*) from orders group by orders.state having count(*) > 0;
      create view both_of as select id from orders union all select -id from orders order by 1;
      create policy mine on orders using (state in ('new', 'paid') and sum between 1 and 5 and id > 0);
      create type span as range (subtype = float8);
      create procedure give(in a int, out b int, inout c text default 'x') language plpgsql as 'begin b := a; end';
      create function pair_of(a int, out b int, out c text) language sql as 'select 1, ''x''';
      create function set_of(variadic a int[]) returns table (b int) language sql set search_path = public, pg_temp as 'select 1';
      create unlogged table scratch (id bigserial primary key, n int generated always as identity);
      create table wholes (id int generated always as identity, at date not null, primary key (id, at)) partition by range (at);
      create table part_1 partition of wholes for values from ('2020-01-01') to ('2030-01-01');
      create extension citext; create extension pg_trgm;`);
    const { drift } = await driftAfterSync();
    expect(drift.differences).toEqual([]);
  });

  test.for(knownDatabases)('a clone of %s has none', async (database, { skip }) => {
    const file = knownFile(database);
    skip(!file.exists, `${file.path} is not there`);
    await scene.arrange('');
    await loadKnown(scene.source.adminUrl('production'), database);
    const { drift } = await driftAfterSync();
    expect(drift.differences).toEqual([]);
    expect(drift.objects).toBeGreaterThan(50);
  });
});
