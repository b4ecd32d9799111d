import { isPushback } from './retry.ts';

/** How many requests go on side by side: fewer where the store says that they are too many, and slowly more again. */
export interface Throttle {
  /** Waits for a turn, and gives what ends it. */
  enter(signal?: AbortSignal): Promise<() => void>;
  /** To be told of every failure of what had a turn. */
  failed(error: unknown): void;
  /** How many may go on now. */
  readonly width: number;
}

/** One answer of a burst narrows it; the others were under way already. */
const burstMs = 1000;

export function throttle(widest: number): Throttle {
  let width = widest;
  let busy = 0;
  let narrowedAt = Number.NEGATIVE_INFINITY;
  const waiting: (() => void)[] = [];
  const admit = () => {
    while (busy < Math.floor(width)) {
      const next = waiting.shift();
      if (!next) return;
      busy += 1;
      next();
    }
  };
  return {
    get width() {
      return Math.floor(width);
    },
    enter: async (signal) => {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      return () => {
        busy -= 1;
        // One more for each round of all: what is too much is found out gently.
        if (performance.now() - narrowedAt > burstMs) width = Math.min(widest, width + 1 / width);
        admit();
      };
    },
    failed: (error) => {
      const now = performance.now();
      if (!isPushback(error) || now - narrowedAt < burstMs) return;
      narrowedAt = now;
      width = Math.max(1, width / 2);
    },
  };
}
