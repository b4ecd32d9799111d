import type { Report } from '../src/index.ts';
import { table } from './figures.ts';

/** Where a run of restage spent its time, by its own report; steps go side by side, so the sum is more than the run. */
export function runProfile(stdout: string): string {
  const report = JSON.parse(stdout) as Report; // restage's own, of this version
  const kinds = new Map<string, { steps: number; durationMs: number; parts: Map<string, number> }>();
  for (const step of report.steps) {
    const kind = kinds.get(step.kind) ?? { steps: 0, durationMs: 0, parts: new Map() };
    kinds.set(step.kind, kind);
    if (step.outcome.status !== 'done') continue;
    kind.steps += 1;
    kind.durationMs += step.outcome.durationMs;
    for (const [name, value] of Object.entries(step.outcome.facts))
      if (name.endsWith('Ms') && typeof value === 'number') kind.parts.set(name, (kind.parts.get(name) ?? 0) + value);
  }
  const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);
  const rows = [...kinds].map(([name, { steps, durationMs, parts }]) => [
    steps > 1 ? `${name} × ${steps}` : name,
    seconds(durationMs),
    [...parts].map(([part, sum]) => `${part.replace(/Ms$/, '')} ${seconds(sum)}`).join(', '),
  ]);
  const longest = report.steps
    .flatMap((step) => (step.outcome.status === 'done' ? [{ id: step.id, ms: step.outcome.durationMs }] : []))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 8)
    .map(({ id, ms }) => `${id} ${seconds(ms)}`);
  return `${table([['step', 's', 'of which'], ...rows])}\nlongest: ${longest.join(', ')}\nthe whole run: ${seconds(report.durationMs)} s`;
}
