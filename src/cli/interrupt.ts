/** What is said at each Ctrl-C, as a command goes on. */
export interface InterruptWords {
  readonly first: string;
  readonly second: string;
  /** What is left when the third ends the process at once. */
  readonly third?: string;
}

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** From now on these words are said. */
  words: InterruptWords;
}

/**
 * A signal that Ctrl-C, SIGTERM or a closed terminal aborts. The first ends the work and puts things back; the third ends
 * the process. A closed terminal never does: shell and kernel tell of it any number of times.
 */
export function interruptible(warn: (text: string) => void): Interrupt {
  const controller = new AbortController();
  let times = 0;
  const interrupt: Interrupt = {
    signal: controller.signal,
    words: {
      first: 'interrupted: stopping …',
      second: 'still putting things back; once more ends at once and leaves that to the next run',
    },
    [Symbol.dispose]: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
      process.off('SIGHUP', onHangUp);
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
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
  process.on('SIGHUP', onHangUp);
  return interrupt;
}
