/** A session that may wait for its server for any time: an index takes an hour, and nothing is sent meanwhile. */
export interface Silent {
  /** Whether it waits for an answer. */
  isWaiting(): boolean;
  /** The bytes that have gone through it, both ways. */
  moved(): number;
  /** What its server says of it by another connection: an error says that it cannot be reached. */
  ask(): Promise<'working' | 'gone' | Error>;
  end(reason: Error): void;
}

interface Patience {
  readonly lookEachMs: number;
  /** Silence before the server is asked; twice as long after each time that it was found to work, up to the most. */
  readonly askAfterMs: number;
  readonly askAtMostMs: number;
  /** How long it may be out of reach, from the first time that it was. */
  readonly giveUpMs: number;
}

/** A network that is gone for a minute is survived; a session is given up after two minutes at most. */
const patience: Patience = { lookEachMs: 5_000, askAfterMs: 30_000, askAtMostMs: 300_000, giveUpMs: 45_000 };

/**
 * Ends a session whose server or way to it has vanished without a word: TCP alone would wait a quarter of an hour where
 * something was on its way, and for ever where a forwarder or proxy in between answers its probes.
 */
export function watchSilence(
  session: Silent,
  { lookEachMs, askAfterMs, askAtMostMs, giveUpMs } = patience,
): Disposable {
  let over = false;
  let timer: NodeJS.Timeout;
  let moved = session.moved();
  let since = performance.now();
  let askAfter = askAfterMs;
  let awaySince: number | undefined;
  const look = async () => {
    const now = performance.now();
    if (session.moved() !== moved || !session.isWaiting()) {
      moved = session.moved();
      since = now;
      askAfter = askAfterMs;
      awaySince = undefined;
      return;
    }
    if (now - since < askAfter) return;
    const answer = await session.ask();
    if (over || session.moved() !== moved || !session.isWaiting()) return;
    if (answer === 'working') {
      since = performance.now();
      askAfter = Math.min(askAfter * 2, askAtMostMs);
      awaySince = undefined;
      return;
    }
    awaySince ??= now;
    if (answer === 'gone') session.end(new Error('its server knows nothing of it any more'));
    else if (performance.now() - awaySince >= giveUpMs) {
      const seconds = Math.round((performance.now() - since) / 1000);
      session.end(new Error(`no byte came for ${seconds} s, and no new connection was answered: ${answer.message}`));
    }
  };
  const again = () => {
    timer = setTimeout(() => void look().finally(() => over || again()), lookEachMs);
    timer.unref(); // it is the session that holds the process
  };
  again();
  return {
    [Symbol.dispose]: () => {
      over = true;
      clearTimeout(timer);
    },
  };
}
