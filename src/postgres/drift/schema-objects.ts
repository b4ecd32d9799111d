import type { ObjectKind } from './drift.ts';

/** What a database is made of, in a form that two can be compared in. */
export interface SchemaObjects {
  /** The server's major version. */
  readonly version: number;
  /** The columns of a table in their order. */
  readonly objects: readonly SchemaObject[];
}

export interface SchemaObject {
  readonly kind: ObjectKind;
  readonly schema: string;
  /** As people write it: behind its table where it is a part of one. */
  readonly name: string;
  /** The table or view that it belongs to, or is; where that is missing at the other end, its parts are not told. */
  readonly table?: string;
  /** The column that a sequence belongs to; where that is missing at the other end, the sequence is not told. */
  readonly column?: string;
  /** The table that a foreign key leads to. */
  readonly refers?: string;
  /** For people. */
  readonly definition: string;
  /** What it is compared by: the same for all that mean the same. Made where definitions differ, for few do. */
  readonly compared: () => string;
  /** The same definition may mean another thing at the other end: for which roles a policy is. */
  readonly always?: true;
  /** What it is compared by where the servers are of different versions. */
  readonly acrossVersions?: string;
  /** Of a column: it is as that of the table's parent, which tells it. Of a table: its columns' order is not its own. */
  readonly ofParent?: true;
}
