import type { Event, Listener } from '../event.ts';
import { loadedTablesOf } from '../pause.ts';

/**
 * What a function writes of a run in parts, as one run: each of its parts begins and ends as a run does, and only the first beginning
 * and the last end are the run's own.
 */
export function asParts(listen: Listener): Listener {
  let part = 0;
  return (event: Event) => {
    if (event.kind === 'run-started' && part > 0) listen({ kind: 'part-started', part: part + 1 });
    else if (event.kind === 'run-ended' && event.report.outcome === 'paused') {
      const { parts = [], steps, durationMs } = event.report;
      part = parts.length;
      listen({
        kind: 'part-ended',
        part,
        durationMs: parts.at(-1)?.durationMs ?? durationMs,
        ...loadedTablesOf(steps),
      });
    } else listen(event);
  };
}
