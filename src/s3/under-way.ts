/** Work that goes on side by side; what is added never rejects. */
export interface UnderWay {
  readonly size: number;
  add(work: Promise<void>): void;
  /** Until one of them has ended. Promise.race would keep a little of every call until the slowest has. */
  next(): Promise<void>;
  /** Until all have. */
  all(): Promise<void>;
}

export function underWay(): UnderWay {
  const works = new Set<Promise<void>>();
  let next = Promise.withResolvers<void>();
  return {
    get size() {
      return works.size;
    },
    add: (work) => {
      const ended = work.finally(() => {
        works.delete(ended);
        next.resolve();
        next = Promise.withResolvers();
      });
      works.add(ended);
    },
    next: () => next.promise,
    all: async () => void (await Promise.all(works)),
  };
}
