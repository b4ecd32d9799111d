import type { TableName } from '../postgres/names.ts';
import type { MigrationTool } from '../postgres/version-tables.ts';

/** What lies between the source's revision and that of the target's own code, for one version table. */
export interface PlannedMigrations {
  readonly tool: MigrationTool;
  readonly table: TableName;
  /** Of the source's and the target's database, as they are now. */
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** Where the target's code ends: the heads of its files, or else what the target's database holds now. Empty where nothing says it. */
  readonly goal: readonly string[];
  /**
   * files: the code ends there, and migrations that end elsewhere have failed. target: a guess, for the code may be newer or
   * older than the database that it has: to reach it is good news, and not to reach it is none.
   */
  readonly goalFrom: 'files' | 'target';
  /**
   * same: the goal is the source's. target-ahead: normal. source-ahead: the target's code does not know what the source
   * holds. diverged: each has what the other has not. unknown: nothing says how they stand to each other.
   */
  readonly relation: 'same' | 'target-ahead' | 'source-ahead' | 'diverged' | 'unknown';
  /** What brings the source's schema to the goal, newest first, as people list it. Empty too where a table names its heads only. */
  readonly between: readonly Migration[];
  /** What the source has been through and the goal has not, newest first. */
  readonly beyond: readonly Migration[];
  /** Where it was read, in words: a folder of files, a table. */
  readonly readFrom: string;
  /** What is wrong with the files, in whole sentences: an id that is there twice, a parent that is missing, several heads. */
  readonly problems: readonly string[];
}

export interface Migration {
  readonly id: string;
  readonly description?: string;
  /** ISO 8601, of the day at least. */
  readonly date?: string;
}
