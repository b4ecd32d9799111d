import { RestageError } from './errors.ts';

/** The time that a run, or a part of one, has. */
export interface Deadline extends Disposable {
  /** Aborts when it is over. */
  readonly signal: AbortSignal;
  /** What is left of it, as a share: 1 at first and where it has no end, 0 when it is over. */
  left(): number;
}

const longestTimerMs = 2 ** 31 - 1;

/** `until`: milliseconds since 1970; absent: it has no end. */
export function deadlineAt(until: number | undefined): Deadline {
  const over = new AbortController();
  const end = () => over.abort(new RestageError('time-over', 'the time for this run is over'));
  const given = until === undefined ? Number.POSITIVE_INFINITY : until - Date.now();
  if (given <= 0) end();
  // No run lasts for the weeks that a timer cannot count.
  const timer = given > 0 && given <= longestTimerMs ? setTimeout(end, given) : undefined;
  return {
    signal: over.signal,
    left: () => {
      if (over.signal.aborted) return 0;
      return until === undefined ? 1 : Math.max(0, until - Date.now()) / given;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
