import { afterAll, beforeAll, inject, test } from 'vitest';
import type { Ability } from './abilities.ts';
import { lacksOf, startStore } from './start.ts';
import type { Store, StoreName } from './store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Which store the run is about; the local AWS where the configuration names none. */
    readonly store: StoreName | undefined;
  }
}

/** The store of the run, once its file's tests run. */
export let store: Store;

export const storeName: StoreName = inject('store') ?? 'the local AWS';

/** One store for the file. */
export function useStore(): void {
  beforeAll(async () => {
    store = await startStore(storeName);
  });
  afterAll(async () => {
    // Where the start has failed there is nothing to stop.
    await (store as Store | undefined)?.[Symbol.asyncDispose]();
  });
}

/**
 * `needs('part-number')('a sentence', async () => …)`: a test that is skipped, with the reason in its name, where the
 * store of the run lacks what it needs.
 */
export function needs(...abilities: readonly Ability[]): (name: string, run: () => Promise<void>) => void {
  const lacks = lacksOf[storeName];
  const reason = abilities.flatMap((ability) => lacks[ability] ?? []).join('; it ');
  return (name, run) => {
    if (reason === '') test(name, run);
    // What a store cannot do is no fault of ours: the reason stands in the test's name, and abilities.test.ts tries that it is so.
    else test.skip(`${name} (${storeName}: it ${reason})`, run);
  };
}
