import { createLogUpdate } from 'log-update';
import { count } from '../index.ts';
import { waitedLine, type LiveState } from './live.ts';
import type { Terminal } from './terminal.ts';

/** On a terminal, how far both listings of each bucket have been compared while a plan is made, and what is waited for; elsewhere nothing. */
export interface Comparing extends Disposable {
  readonly onCompared: (bucket: string, keys: number) => void;
}

const eachMs = 80;

export function showComparing(terminal: Terminal): Comparing {
  if (!terminal.live) return { onCompared: () => {}, [Symbol.dispose]: () => {} };
  const { style } = terminal;
  const update = createLogUpdate(process.stdout);
  const keys = new Map<string, number>();
  let waited: LiveState['waited'];
  const draw = () => {
    if (!process.stdout.writable) return;
    const told = [...keys].map(([name, number]) => `${name} ${count(number)} keys`);
    const lines = [
      ...(told.length === 0 ? [] : [style('dim', `comparing ${told.join(', ')}`)]),
      ...(waited ? [waitedLine(waited, performance.now(), style)] : []),
    ];
    if (lines.length > 0) update(lines.join('\n'));
  };
  const timer = setInterval(draw, eachMs);
  const shown = terminal.display({
    write: (text) => {
      if (process.stdout.writable) update.clear();
      console.error(text);
    },
    wait: (what) => {
      waited = what === undefined ? undefined : { what, since: performance.now() };
    },
  });
  return {
    onCompared: (bucket, compared) => {
      keys.set(bucket, compared);
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      shown[Symbol.dispose]();
      if (!process.stdout.writable) return;
      update.clear();
      update.done();
    },
  };
}
