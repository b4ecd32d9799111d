import type { TableName } from './names.ts';

/** Rows of a table whose parents are not there, by the foreign key that says so. */
export interface Orphans {
  readonly table: TableName;
  /** The foreign key's name. */
  readonly key: string;
  readonly columns: readonly string[];
  readonly parent: TableName;
  readonly rows: number;
  readonly became: 'dropped' | 'null';
}
