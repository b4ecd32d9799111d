import { median, spread, table } from './figures.ts';
import { measureAt, type Measured } from './measure.ts';
import type { ObjectContender } from './object-contenders.ts';
import type { Buckets, ObjectGround } from './object-ground.ts';

/** One run, and what it asked of each server. */
export interface ObjectRun extends Measured {
  readonly sourceRequests: number;
  readonly targetRequests: number;
  /** `ListObjectsV2 10, …`: both servers', most first. */
  readonly operations: string;
}

/** The runs of each pass, in the order of the rounds. */
export type Passes = ReadonlyMap<string, readonly ObjectRun[]>;

/** Runs a contender on these buckets as a whole process. */
export async function measureObjects(
  ground: ObjectGround,
  contender: ObjectContender,
  buckets: Buckets,
): Promise<ObjectRun> {
  const command = await contender.command(ground, buckets);
  const servers = [ground.source.server, ground.target.server];
  await Promise.all(servers.map((server) => server.resetRequests()));
  const measured = await measureAt(ground, command);
  const [atSource = [], atTarget = []] = await Promise.all(servers.map((server) => server.requests()));
  const counts = new Map<string, number>();
  const sum = (requests: typeof atSource) => {
    let total = 0;
    for (const { service, operation, count } of requests)
      if (service === 's3') {
        total += count;
        counts.set(operation, (counts.get(operation) ?? 0) + count);
      }
    return total;
  };
  const [sourceRequests, targetRequests] = [sum(atSource), sum(atTarget)];
  const operations = [...counts].toSorted(([, a], [, b]) => b - a).map(([operation, count]) => `${operation} ${count}`);
  return { ...measured, sourceRequests, targetRequests, operations: operations.join(', ') };
}

/** What each pass cost: medians of the rounds. */
export function objectCosts(passes: Passes): string {
  const line = ([name, runs]: readonly [string, readonly ObjectRun[]]) => {
    const middle = (figure: (run: ObjectRun) => number, digits = 2) => median(runs.map(figure)).toFixed(digits);
    return [
      name,
      spread(runs.map((run) => run.wallSeconds)),
      middle((run) => run.clientCpuSeconds),
      middle((run) => run.sourceCpuSeconds),
      middle((run) => run.targetCpuSeconds),
      `${middle((run) => run.peakMiB, 0)} MiB`,
      middle((run) => run.sourceRequests, 0),
      middle((run) => run.targetRequests, 0),
    ];
  };
  const head = ['median', 'wall s (all)', 'client CPU s', 'source', 'target', 'peak', 'requests source', 'target'];
  return table([head, ...[...passes].map(line)]);
}

/** What one pass took of another's, round by round, as the machine's speed drifts between them. */
export function ratioOf(
  passes: Passes,
  name: string,
  other: string,
  figure = (run: ObjectRun): number => run.wallSeconds,
): readonly number[] {
  const theirs = passes.get(other) ?? [];
  return (passes.get(name) ?? []).flatMap((run, round) => (theirs[round] ? figure(run) / figure(theirs[round]) : []));
}

/** `0.97 (0.95 0.97 1.02), at most 1.00: reached` */
export function against(values: readonly number[], most: number, digits = 2): string {
  const reached = median(values) <= most;
  return `${spread(values, digits)}, at most ${most.toFixed(digits)}: ${reached ? 'reached' : 'NOT REACHED'}`;
}
