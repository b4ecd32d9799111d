import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { PostgresServer } from '../demo/postgres-server.ts';
import { connect, loadConfig, plan, run, type Listener, type Plan, type Report } from '../src/index.ts';
import type { CloneScene, Ended } from './clone-scene.ts';
import { contentsOf, type Contents } from './contents.ts';
import { openSession, query, type Row } from './sql.ts';

/** True on the target's server, which is the newer one: what the source defines can behave otherwise there. */
export const onTarget = `current_setting('server_version_num')::integer >= 180000`;

/** A check that takes its time for every row, on the target only: the source's COPY is held up half-way. */
export function slowCheck(seconds: number): string {
  return `check (case when ${onTarget} then pg_sleep(${seconds}) is not null else true end)`;
}

/** Everything of the target that a run may change. */
export function stagingOf(scene: CloneScene): Promise<Contents> {
  return contentsOf(scene.target, 'staging');
}

/** The sessions that restage has with a server, whatever they do. */
export const ofRestage = `application_name like 'restage %' and pid <> pg_backend_pid()`;

/** Nobody of a run that is over stays behind: a server may need a moment to notice a dead process. */
export async function requireNoSessions(...servers: readonly PostgresServer[]): Promise<void> {
  for (const server of servers) {
    await using session = await openSession(server.adminUrl());
    const left = () => session.query(`select application_name, state, query from pg_stat_activity where ${ofRestage}`);
    for (const end = Date.now() + 2_000; Date.now() < end && (await left()).length > 0;) await sleep(50);
    expect(await left()).toEqual([]);
  }
}

/** What every failed run owes: exit 1, staging as it was and said to be, nothing half-made, nobody left. The failure. */
export async function requireWhole(
  scene: CloneScene,
  before: Contents,
  { code, report }: Ended & { readonly report: Report },
): Promise<{ readonly step: string; readonly code: string; readonly said: string }> {
  expect([code, report.outcome]).toEqual([1, 'failed']);
  expect(await stagingOf(scene)).toEqual(before);
  expect(report.holds).toMatch(/as it was before the run|was not touched/);
  expect(report.recovery?.failure).toBeUndefined();
  await requireNoSessions(scene.source, scene.target);
  const { step = '', code: kind = '', message, hint } = report.failure ?? {};
  return { step, code: kind, said: `${message ?? ''}\n${hint ?? ''}` };
}

/** Asks a server over and over, and keeps every different answer, until it is disposed of. */
export async function watch(
  url: string,
  sql: string,
): Promise<AsyncDisposable & { seen(): readonly Row[]; samples(): number }> {
  const session = await openSession(url, 'a watcher');
  const seen = new Map<string, Row>();
  let samples = 0;
  const watched = { over: false };
  const watching = (async () => {
    for (; !watched.over; await sleep(2)) {
      for (const row of await session.query(sql)) seen.set(JSON.stringify(row), row);
      samples += 1;
    }
  })();
  watching.catch(() => {}); // told when it is disposed of
  return {
    seen: () => [...seen.values()],
    samples: () => samples,
    [Symbol.asyncDispose]: async () => {
      watched.over = true;
      await watching;
      await session[Symbol.asyncDispose]();
    },
  };
}

/**
 * Waits inside the server, which looks a thousand times a second, for the SQL to give a row. One that never comes is an
 * error after a minute.
 */
export async function moment(server: PostgresServer, sql: string): Promise<void> {
  await query(
    server.adminUrl(),
    `do $do$
     declare began timestamptz = clock_timestamp();
     begin
       while clock_timestamp() < began + interval '1 minute' loop
         perform pg_stat_clear_snapshot();
         perform from (${sql}) found;
         if found then return; end if;
         perform pg_sleep(0.001);
       end loop;
       raise exception 'the moment did not come';
     end $do$`,
  );
}

/** Ends the first session of restage that fits. */
export function endSession(server: PostgresServer, fits: string): Promise<void> {
  return moment(server, `select pg_terminate_backend(pid) from pg_stat_activity where ${ofRestage} and (${fits})`);
}

/** A run by the library, of a plan that may be changed on the way. */
export async function runChanged(configFile: string, change: (made: Plan) => Plan, listen?: Listener): Promise<Report> {
  const config = loadConfig(await readFile(configFile, 'utf8'), { variables: {} });
  using ends = await connect(config);
  return await run(change(await plan(config, ends)), ends, { listen });
}

/** The plan with every table read in parts. */
export function inParts(parts: number): (made: Plan) => Plan {
  return (made) => ({
    ...made,
    steps: made.steps.map((step) => (step.kind === 'copy-table' ? { ...step, parts } : step)),
  });
}

/** A step's outcome, by the step's id. */
export function outcomeOf(report: Report, id: string): Report['steps'][number]['outcome'] {
  const step = report.steps.find((one) => one.id === id);
  if (!step) throw new Error(`there is no step ${id}`);
  return step.outcome;
}
