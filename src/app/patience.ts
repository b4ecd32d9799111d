import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';

export interface Patience {
  /** How long it may take until the answer is right, while the application restarts; 0: it is asked once. */
  readonly withinSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** What was found, and why it is not right; right where that is absent. */
export interface Answered<T> {
  readonly found: T;
  readonly wrong?: RestageError | undefined;
}

const firstPauseMs = 250;
const longestPauseMs = 2000;

/**
 * Asks again and again until the answer is right, or the time is over; what was said last is given or thrown, with how long that
 * took. Throws `interrupted` at once.
 */
export async function askUntilRight<T>(
  { withinSeconds, signal }: Patience,
  ask: () => Promise<Answered<T>>,
): Promise<Answered<T>> {
  const began = Date.now();
  const end = began + withinSeconds * 1000;
  const after = (failure: RestageError) => {
    const seconds = Math.round((Date.now() - began) / 1000);
    if (withinSeconds === 0 || seconds === 0) return failure;
    const { code, hint, cause } = failure;
    return new RestageError(code, `${failure.message} (still so after ${seconds} s)`, { hint, cause });
  };
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.25, longestPauseMs)) {
    const { answered, failure } = await attempt(ask);
    if (answered && !failure) return answered;
    const left = end - Date.now();
    if (failure && left <= 0) {
      if (answered) return { ...answered, wrong: after(failure) };
      throw after(failure);
    }
    await wait(Math.min(pause, left), signal);
  }
}

/** What was found, unless nothing was; and what is wrong with it, or why nothing was found. */
async function attempt<T>(
  ask: () => Promise<Answered<T>>,
): Promise<{ readonly answered?: Answered<T>; readonly failure?: RestageError | undefined }> {
  try {
    const answered = await ask();
    return { answered, failure: answered.wrong };
  } catch (error) {
    // What else fails, e.g. for a table that is not there, will not be otherwise in a moment.
    if (!(error instanceof RestageError) || !(error.code === 'app-unreachable' || error.code === 'app-unexpected'))
      throw error;
    return { failure: error };
  }
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch {
    throw new RestageError('interrupted', 'the wait for the application was interrupted');
  }
}
