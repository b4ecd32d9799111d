import { expect } from 'vitest';
import { watch } from './clone-faults.ts';
import type { CloneScene } from './clone-scene.ts';
import type { Report } from '../src/index.ts';
import { invariants, readInvariants, startWriters, type Transaction } from './transfers.ts';

/** A copy that was made while others wrote, and what was seen of it. */
export interface Made {
  readonly report: Report | undefined;
  /** Transactions of each kind that were committed between the snapshot and the end of the last copy. */
  readonly meanwhile: Readonly<Record<Transaction, number>>;
  /** Every statement of restage that was seen at the source. */
  readonly queries: readonly string[];
}

/** Lets the writers write from before the run until after it. */
export async function copyAmongWriters(scene: CloneScene, copy: () => Promise<Report | undefined>): Promise<Made> {
  const url = scene.source.adminUrl('production');
  await using writers = await startWriters(url);
  await using watcher = await watch(url, `select query from pg_stat_activity where application_name like 'restage %'`);
  const report = await copy();
  const [from, to] = report ? copying(report) : [0, 0];
  const count = (kind: Transaction) => writers.committed(kind, from, to);
  return {
    report,
    meanwhile: { transfer: count('transfer'), birth: count('birth'), death: count('death'), move: count('move') },
    queries: watcher.seen().map(({ query }) => query ?? ''),
  };
}

/** The copy is whole and of one moment, and it was not so because nobody wrote. */
export async function requireConsistent(scene: CloneScene, { report, meanwhile }: Made): Promise<void> {
  expect(report?.failure).toBeUndefined();
  expect(await readInvariants(scene.target.adminUrl('staging'))).toEqual(invariants);
  expect(await readInvariants(scene.source.adminUrl('production'))).toEqual(invariants);
  for (const [kind, committed] of Object.entries(meanwhile))
    expect([kind, committed]).toEqual([kind, expect.toSatisfy((count: number) => count >= 10, 'ten or more')]);
}

/** When the snapshot was taken, and when the last copy had ended, in milliseconds since 1970. */
function copying({ steps }: Report): readonly [number, number] {
  const of = (kind: string) => steps.filter((step) => step.kind === kind).map(({ outcome }) => outcome);
  const start = (outcome: ReturnType<typeof of>[number]) =>
    'startedAt' in outcome ? Date.parse(outcome.startedAt) : Number.NaN;
  const end = (outcome: ReturnType<typeof of>[number]) =>
    'durationMs' in outcome ? start(outcome) + outcome.durationMs : Number.NaN;
  return [Math.max(...of('take-snapshot').map(end)), Math.max(...of('copy-table').map(end))];
}
