import { failureOf } from '../errors.ts';
import type { LastRun } from '../last-run.ts';
import { readLastRuns, withLastRun } from './last-runs.ts';
import { writeAmongOthers, type OpenPlace } from './open-place.ts';

/** What the newest runs that ended well read of the source, newest first; a few: `last-runs.json`. */
export interface KeptLastRuns {
  read(): Promise<readonly LastRun[]>;
  /** In a sentence, that something else than such a list stood there, and has made way; undefined otherwise. */
  add(last: LastRun): Promise<string | undefined>;
}

const name = 'last-runs.json';

export function keptLastRuns({ address, folder, texts, read }: OpenPlace): KeptLastRuns {
  return {
    read: async () => {
      const text = await read(name);
      return text === undefined ? [] : readLastRuns(text, `${address}/${name}`);
    },
    add: async (last) => {
      const key = folder + name;
      const files = await texts();
      const { problem } = await writeAmongOthers(key, async () => {
        const there = await files.read(key);
        const found = there ? lastRunsIn(there.text, `${address}/${name}`) : { runs: [], problem: undefined };
        const text = JSON.stringify(withLastRun(found.runs, last));
        const etag = await files.writeIf(key, text, 'application/json', there?.etag);
        return etag === undefined ? undefined : found;
      });
      return problem;
    },
  };
}

/** A list that cannot be read would otherwise leave every later run without one. */
function lastRunsIn(
  text: string,
  place: string,
): { readonly runs: readonly LastRun[]; readonly problem: string | undefined } {
  try {
    return { runs: readLastRuns(text, place), problem: undefined };
  } catch (error) {
    return { runs: [], problem: `${failureOf(error).message}: it was written anew, with this run alone` };
  }
}
