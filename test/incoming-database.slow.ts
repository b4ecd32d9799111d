import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDescription } from '../src/postgres/description.ts';
import { openSession } from '../src/postgres/session.ts';
import type { Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({}, { allow_in_place_tablespaces: 'on' });
  await query(scene.target.adminUrl(), `create tablespace "Fast" location ''`);
  await query(scene.target.adminUrl(), `create role builder login createdb password 'builds-beside'`);
});

afterAll(() => scene[Symbol.asyncDispose]());

const properties = `
  select s.spcname as tablespace, d.datlocprovider as provider, d.datlocale as locale, d.daticurules as rules
    from pg_database d
    join pg_tablespace s on s.oid = d.dattablespace
   where d.datname = 'staging'`;

async function arrange(): Promise<void> {
  await scene.arrange('create table books (id int)');
  await scene.onTarget('drop database staging', 'postgres');
  await scene.onTarget(
    `create database staging template template0 tablespace "Fast" locale_provider icu icu_locale 'en-US' icu_rules '&V << w <<< W'`,
    'postgres',
  );
}

test('the new database is in the same tablespace and sorts by the same rules', async () => {
  await arrange();
  const before = await scene.onTarget(properties);
  expect(before).toEqual([{ tablespace: 'Fast', provider: 'i', locale: 'en-US', rules: '&V << w <<< W' }]);
  const { report } = await scene.sync(await scene.configure());
  expect(report).toMatchObject({ outcome: 'done' });
  expect(await scene.onTarget(properties)).toEqual(before);
});

test('a tablespace that the role may not create in is noted, and another one serves', async () => {
  await arrange();
  await scene.onTarget('alter database staging owner to builder', 'postgres');
  const target = Object.assign(new URL(scene.target.adminUrl('staging')), {
    username: 'builder',
    password: 'builds-beside',
  }).href;
  const config = await scene.configure({ target });
  const { stdout } = await scene.restage(config, 'plan', '--json');
  expect((JSON.parse(stdout) as Plan).notes).toContain(
    'the tablespace Fast is not carried over to the new database: builder may not create in it',
  );
  const { report } = await scene.sync(config);
  expect(report).toMatchObject({ outcome: 'done' });
  expect(await scene.onTarget(properties)).toMatchObject([{ tablespace: 'pg_default' }]);
});

test("people's comment on the database outlives every refresh", async () => {
  await scene.arrange('create table books (id int)');
  await scene.onTarget(`comment on database staging is 'Ask Ada''s team \\ before use'`);
  const config = await scene.configure();
  const url = new URL(scene.target.adminUrl());
  const address = {
    host: url.hostname,
    port: Number(url.port),
    database: 'staging',
    user: 'postgres',
    password: url.password,
    tls: 'disable',
  } as const;
  for (let refresh = 0; refresh < 2; refresh++) {
    expect((await scene.sync(config)).report).toMatchObject({ outcome: 'done' });
    await using session = await openSession(address, { label: 'test', access: 'read-only' });
    expect(await readDescription(session, 'staging')).toMatchObject({
      source: { database: 'production' },
      acceptedAt: expect.any(String) as unknown,
      comment: "Ask Ada's team \\ before use",
    });
  }
});
