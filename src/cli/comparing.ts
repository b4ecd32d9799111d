import { createLogUpdate } from 'log-update';
import { count } from '../index.ts';
import type { Terminal } from './terminal.ts';

/** On a terminal, how far both listings of each bucket have been compared while a plan is made; elsewhere nothing. */
export interface Comparing extends Disposable {
  readonly onCompared: (bucket: string, keys: number) => void;
}

const eachMs = 100;

export function showComparing(terminal: Terminal): Comparing {
  if (!terminal.live) return { onCompared: () => {}, [Symbol.dispose]: () => {} };
  const update = createLogUpdate(process.stdout);
  const keys = new Map<string, number>();
  let shownAt = 0;
  return {
    onCompared: (bucket, compared) => {
      keys.set(bucket, compared);
      const now = performance.now();
      if (now - shownAt < eachMs || !process.stdout.writable) return;
      shownAt = now;
      const told = [...keys].map(([name, number]) => `${name} ${count(number)} keys`);
      update(terminal.style('dim', `comparing ${told.join(', ')}`));
    },
    [Symbol.dispose]: () => {
      if (!process.stdout.writable) return;
      update.clear();
      update.done();
    },
  };
}
