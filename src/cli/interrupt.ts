import { failureOf, RestageError, traceOf, type Failure } from '../index.ts';

/** What is said at each Ctrl-C, as a command goes on. */
export interface InterruptWords {
  readonly first: string;
  readonly second: string;
  /** What is left when the third ends the process at once. */
  readonly third?: string;
}

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** An error that nobody caught, which has ended the work like a Ctrl-C. */
  readonly fault: Failure | undefined;
  /** From now on these words are said. */
  words: InterruptWords;
}

/** How long what nobody waits for any more, a name that is being looked up perhaps, may keep the process from its end. */
const lingerMs = 500;

/**
 * A signal that Ctrl-C, SIGTERM or a closed terminal aborts. The first ends the work and puts things back; the third ends
 * the process. A closed terminal never does: shell and kernel tell of it any number of times. An error that nobody caught
 * ends the work like the first: a process that broke off there would leave staging half-way.
 */
export function interruptible(warn: (text: string) => void, debug = false): Interrupt {
  const controller = new AbortController();
  let times = 0;
  let fault: Failure | undefined;
  const interrupt = {
    signal: controller.signal,
    get fault() {
      return fault;
    },
    words: {
      first: 'interrupted: stopping …',
      second: 'still putting things back; once more ends at once and leaves that to the next run',
    } as InterruptWords, // others are said later
    [Symbol.dispose]: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
      process.off('uncaughtException', onUncaught);
      // One that comes late must not take the exit code away.
      if (times === 0) process.off('SIGHUP', onHangUp);
      else setTimeout(() => process.exit(), lingerMs).unref();
    },
  };
  const onSignal = () => {
    times += 1;
    const { first, second, third } = interrupt.words;
    if (times === 1) {
      warn(first);
      controller.abort();
    } else if (times === 2) warn(second);
    else {
      if (third !== undefined) warn(third);
      process.exit(130);
    }
  };
  const onHangUp = () => {
    if (times === 0) onSignal();
  };
  const onUncaught = (error: unknown) => {
    if (fault) process.exit(1); // whoever puts things back fails in the same way
    const { message } = failureOf(error);
    const told = new RestageError('internal', `an error that nobody expected: ${message}`, {
      cause: error,
      hint: 'This is a fault of restage: --debug shows where.',
    });
    fault = failureOf(told);
    warn(`${fault.message}; stopping …`);
    if (debug) warn(traceOf(error));
    times = Math.max(times, 1);
    controller.abort(told);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
  process.on('SIGHUP', onHangUp);
  process.on('uncaughtException', onUncaught);
  return interrupt;
}
