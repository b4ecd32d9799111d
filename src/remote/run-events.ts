import type { OpenPlace } from './open-place.ts';

/** What happens in runs, in pieces that are numbered from 1: `<run>/events/000001.ndjson`. */
export interface RunEvents {
  /** The lines of one piece, each an Event as JSON. */
  add(run: string, piece: number, lines: string): Promise<void>;
  /** Undefined while there is no such piece. */
  read(run: string, piece: number): Promise<string | undefined>;
}

export function runEvents({ folder, texts, read }: OpenPlace): RunEvents {
  const nameOf = (run: string, piece: number) => `${run}/events/${String(piece).padStart(6, '0')}.ndjson`;
  return {
    add: async (run, piece, lines) => (await texts()).write(folder + nameOf(run, piece), lines, 'application/x-ndjson'),
    read: (run, piece) => read(nameOf(run, piece)),
  };
}
