import { openRuns, type RunStore } from '../index.ts';
import type { Task } from './task.ts';

/** How long one request to the place of runs may take: a store that is silent must not use up an invocation's time. */
const patienceMs = { working: 10_000, ending: 4_000 } as const;

/**
 * The place of the function's runs, of which each request is given up after 10 s, and sooner once all work must have stopped: as
 * `aws-unreachable`, with the place and the way there. Undefined where the configuration names none.
 */
export function openStore({ settings, deadline }: Pick<Task, 'settings' | 'deadline'>): Promise<RunStore | undefined> {
  return openRuns(settings.config, {
    signal: deadline.signal,
    // Of an invocation that has little time the answer must be given too.
    patienceMs: () => {
      const most = deadline.left() > 0 ? patienceMs.working : patienceMs.ending;
      return Math.max(1000, Math.min(most, (deadline.endsAt - Date.now()) / 3));
    },
  });
}
