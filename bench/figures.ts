import type { Contender } from './contenders.ts';
import { cpuOf, type Measured } from './measure.ts';
import type { Rounds } from './rounds.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `0.87 (0.85 0.87 0.93)`: the median, and all in the order of the rounds. */
export function spread(values: readonly number[], digits = 2): string {
  return `${median(values).toFixed(digits)} (${values.map((value) => value.toFixed(digits)).join(' ')})`;
}

/** Lines of columns, the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** What each contender cost: medians of the rounds. */
export function costs(rounds: Rounds): string {
  const line = ([{ name }, runs]: readonly [Contender, readonly Measured[]]) => {
    const middle = (figure: (run: Measured) => number) => median(runs.map(figure)).toFixed(2);
    return [
      name,
      spread(runs.map((run) => run.wallSeconds)),
      middle(cpuOf),
      middle((run) => run.clientCpuSeconds),
      middle((run) => run.sourceCpuSeconds),
      middle((run) => run.targetCpuSeconds),
      `${(100 * median(runs.map((run) => run.clientCpuSeconds / cpuOf(run)))).toFixed(1)} %`,
      `${median(runs.map((run) => run.peakMiB)).toFixed(0)} MiB`,
    ];
  };
  const head = ['median', 'wall s (all)', 'CPU s', 'client', 'source', 'target', "client's share", 'peak'];
  return table([head, ...[...rounds].map(line)]);
}

/** One contender to the others: medians of the ratios within each round, as the machine's speed drifts between them. */
export function ratios(rounds: Rounds, ours: readonly Contender[], peers: readonly Contender[]): string {
  const rows = ours.flatMap((our) =>
    peers.flatMap((peer) => {
      const [mine, theirs] = [rounds.get(our) ?? [], rounds.get(peer) ?? []];
      if (mine.length === 0 || theirs.length === 0) return [];
      const ratio = (figure: (run: Measured) => number) =>
        spread(mine.flatMap((run, round) => (theirs[round] ? figure(run) / figure(theirs[round]) : [])));
      return [[`${our.name} : ${peer.name}`, ratio((run) => run.wallSeconds), ratio(cpuOf)]];
    }),
  );
  return rows.length === 0 ? 'no peer to compare with' : table([['median ratio', 'wall', 'CPU'], ...rows]);
}
