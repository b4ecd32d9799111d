import { expect } from 'vitest';
import type { Report } from '../src/index.ts';
import { requireNoSessions, stagingOf } from './clone-faults.ts';
import type { CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

// A small source and staging for runs in parts, and what stands there afterwards.

export const kept = `create table kept (id integer); insert into kept values (1)`;
export const books = `
  create table authors (id integer primary key, name text);
  create table books (id integer primary key, author integer references authors, title text);
  create table notes (id integer primary key, note text);
  insert into authors select n, 'author ' || n from generate_series(1, 3000) n;
  insert into books select n, n, 'book ' || n from generate_series(1, 500) n;
  insert into notes select n, 'note' from generate_series(1, 20) n;
  analyze`;

/** Staging and what stands beside it, by name. */
export async function databases(scene: CloneScene): Promise<(string | null | undefined)[]> {
  const rows = await query(
    scene.target.adminUrl(),
    `select datname as name from pg_database where datname ~ '^staging' order by 1`,
  );
  return rows.map(({ name }) => name);
}

export const incomingOf = (report: Report) => `staging__incoming_${report.run}`;

/** A run that failed, with staging as it was, nothing beside it, and nobody left. */
export async function requireAsBefore(
  scene: CloneScene,
  before: Awaited<ReturnType<typeof stagingOf>>,
  report: Report,
) {
  expect(report.outcome).toBe('failed');
  expect(await stagingOf(scene)).toEqual(before);
  expect(report.holds).toMatch(/^staging holds its (database|previous database again,) as it was before the run$/);
  await requireNoSessions(scene.source, scene.target);
  return {
    code: report.failure?.code,
    step: report.failure?.step,
    said: `${report.failure?.message} ${report.failure?.hint}`,
  };
}
