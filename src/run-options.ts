import type { Listener } from './event.ts';
import type { SchemaDumper } from './postgres/schema-dump.ts';

export interface RunOptions {
  readonly listen?: Listener | undefined;
  /** pg_dump, loaded while somebody read the plan: see `startDumper`. */
  readonly dumper?: SchemaDumper | undefined;
  /** What programs that a run starts find in their environment; the library itself never reads it. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Its id; absent: a new one. */
  readonly id?: string | undefined;
  /**
   * When every step must have stopped, in milliseconds since 1970. What is not done then fails with `time-over`, and staging is put
   * back as it was; or the run pauses.
   */
  readonly until?: number | undefined;
  /**
   * It pauses at `until`, if nothing but rows has been loaded and something of them is whole: `resume` goes on with it. It pauses
   * before too, where all rows have come and less than a third of the time is left: what follows them cannot be stopped half-way.
   */
  readonly mayPause?: boolean | undefined;
  /** Stops the run: staging is put back as it was, and the report says so. */
  readonly signal?: AbortSignal | undefined;
}
