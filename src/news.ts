import type { Failure } from './errors.ts';
import { endOf, type Report } from './report/report.ts';
import type { RollbackReport } from './rollback.ts';

/** How a refresh or a rollback ended, for whoever did not watch. Plain JSON. */
export interface News {
  /** `paused`: it has not ended; only who is told always hears of it. */
  readonly event: 'success' | 'failure' | 'paused';
  readonly command: 'sync' | 'rollback';
  /** What the ends are called. */
  readonly source: string;
  readonly target: string;
  /** When it ended, ISO 8601. */
  readonly at: string;
  /** Absent where nothing began. */
  readonly run?: string;
  readonly durationMs?: number;
  /** Why it failed, was interrupted or did not begin; and the step, where there was one. */
  readonly failure?: Failure & { readonly step?: string };
  /** What the target holds now, in a sentence; absent where nothing began: it is what it was. */
  readonly holds?: string;
  /** The whole of a refresh. */
  readonly report?: Report;
}

const events = {
  done: 'success',
  failed: 'failure',
  interrupted: 'failure',
  paused: 'paused',
} as const satisfies Readonly<Record<Report['outcome'], News['event']>>;

/** The news of a refresh; one that was interrupted has failed too. */
export function newsOf(report: Report): News {
  const { outcome, source, target, durationMs, run, failure, holds } = report;
  return {
    event: events[outcome],
    command: 'sync',
    source: source.name,
    target: target.name,
    at: new Date(endOf(report)).toISOString(),
    run,
    durationMs,
    ...(failure ? { failure } : {}),
    holds,
    report,
  };
}

/** The news of a rollback. Where not all is well with what came back, it has failed. */
export function newsOfRollback(report: RollbackReport, source: string): News {
  const { outcome, target, startedAt, durationMs, run, failure, holds } = report;
  return {
    event: outcome === 'done' ? 'success' : 'failure',
    command: 'rollback',
    source,
    target: target.name,
    at: new Date(Date.parse(startedAt) + durationMs).toISOString(),
    run,
    durationMs,
    ...(failure ? { failure } : {}),
    holds,
  };
}

/** That what was asked for did not begin: a guard refused it, or an end could not be reached. */
export function newsOfRefusal(
  command: News['command'],
  { source, target }: { readonly source: { readonly name: string }; readonly target: { readonly name: string } },
  failure: Failure,
): News {
  return {
    event: 'failure',
    command,
    source: source.name,
    target: target.name,
    at: new Date().toISOString(),
    failure,
  };
}
