import type { ExpectedValue } from './app/expected-value.ts';
import type { Failure } from './errors.ts';
import type { Facts, SubsetTable } from './facts.ts';
import type { ColumnName, TableName } from './postgres/names.ts';
import type { ColumnCast } from './postgres/rules/casts.ts';
import type { Subset, TableRule } from './postgres/rules/table-rule.ts';
import type { DeletionGuard, PlannedExtras } from './s3/deletion-guard.ts';
import type { Selection } from './s3/selection.ts';
import type { Copying } from './s3/transfer.ts';
import type { LeastRows } from './shrink.ts';

/** One act of a run, as the plan shows it: plain JSON. */
export type Step = {
  /** Unique in the plan, e.g. `copy-table books`. */
  readonly id: string;
  /** Steps that must be done before this one starts; whatever is ready goes on side by side. */
  readonly after: readonly string[];
} & Act;

/** What a step does. A new kind is one member here, its facts below, and one function in `perform/`. */
export type Act =
  | { readonly kind: 'take-snapshot'; readonly database: string }
  | { readonly kind: 'create-database'; readonly database: string }
  /** Finds the rows that the starting ones need, along foreign keys. */
  | { readonly kind: 'select-subset'; readonly subset: Subset; readonly tables: readonly SubsetTable[] }
  | {
      readonly kind: 'copy-schema';
      readonly tables: number;
      /** A print of all their columns: one that came since the plan has no rule. */
      readonly columnsPrint: string;
      /** Tables that are not made, and what belongs to them. */
      readonly skip: readonly TableName[];
      readonly largeObjects: number;
      readonly publications: boolean;
      readonly skipExtensions: readonly string[];
      /** The source's roles, and the target's that its policies and user mappings are for instead. */
      readonly roles: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'copy-table';
      readonly table: TableName;
      readonly rows: number;
      readonly rowsAreEstimated: boolean;
      readonly bytes: number;
      /** In how many parts it is read side by side, by ranges of its blocks; 1: in one stream. */
      readonly parts: number;
      /** Why in parts, or why not. */
      readonly partsReason: string;
      /** By digest, or by the number of rows alone. */
      readonly verify: 'content' | 'rows';
      /** Zero rows are believed, whatever the source's statistics say. */
      readonly mayBeEmpty: boolean;
      /** What becomes of its rows and columns; absent: all are copied as they are. */
      readonly rule?: TableRule;
      /** What it must turn out to have; absent where the plan has counted it, or nothing is known of an earlier run. */
      readonly least?: LeastRows;
    }
  | { readonly kind: 'copy-large-objects'; readonly objects: number }
  /** Looks for the source's real values of masked columns in what has arrived. */
  | { readonly kind: 'scan-leaks'; readonly columns: readonly ScannedColumn[]; readonly except: readonly ColumnName[] }
  /** Brings staging's own rows, as they are then, into the new database. */
  | {
      readonly kind: 'keep-rows';
      readonly table: TableName;
      /** Staging's, counted when the plan was made; absent where they could not be. */
      readonly rows?: number;
      readonly rule: TableRule;
      /** How staging's columns become the source's, where their types differ or a name is on one side only. */
      readonly casts: readonly ColumnCast[];
    }
  /** Puts the target's present values in place of those that were copied. */
  | {
      readonly kind: 'carry-values';
      readonly table: TableName;
      readonly rule: TableRule;
      readonly casts: readonly ColumnCast[];
    }
  /** Deals with rows whose parents are not there, by the rules of their tables. */
  | { readonly kind: 'settle-orphans'; readonly tables: readonly OrphanRule[] }
  | { readonly kind: 'add-keys' }
  | { readonly kind: 'after-load'; readonly name: string; readonly sql: string }
  /** Materialized views, and what would hide rows from them. */
  | { readonly kind: 'fill-views' }
  | { readonly kind: 'set-sequences'; readonly sequences: number }
  | { readonly kind: 'analyze' }
  | {
      readonly kind: 'set-privileges';
      /** Who owns what staging did not have before; absent: whoever owns most of the same schema. */
      readonly owner?: string;
      /** The source's roles, and the target's that get their grants on what staging did not have before. */
      readonly grants: Readonly<Record<string, string>>;
    }
  /** `verify`: what was compared while copying. */
  | { readonly kind: 'verify-tables'; readonly tables: number; readonly verify: 'content' | 'rows' }
  /** Reads which keys of a bucket rows name, once they are all there. */
  | { readonly kind: 'read-keys'; readonly bucket: string; readonly selection: Selection }
  | ({
      readonly kind: 'copy-objects';
      readonly bucket: string;
      readonly objects: number;
      readonly bytes: number;
      /** Why they go by this route. */
      readonly routeReason: string;
    } & Copying)
  | {
      readonly kind: 'verify-objects';
      readonly bucket: string;
      readonly selection: Selection;
      /** What is compared beside both listings. */
      readonly content: ContentScope;
      /** A source without an object that counts is believed. */
      readonly mayBeEmpty: boolean;
    }
  | ({
      readonly kind: 'delete-objects';
      readonly bucket: string;
      readonly selection: Selection;
      readonly guard: DeletionGuard;
      readonly bytes: number;
      readonly versioned: boolean;
    } & PlannedExtras)
  | {
      readonly kind: 'swap';
      readonly database: string;
      readonly sessions: number;
      /** What tells the key of its masks from others; absent where nothing is masked by one. */
      readonly maskKey?: string;
      /** Which rules made it, in short lines that hold names only; absent where there are none. */
      readonly rules?: readonly string[];
    }
  /** A program that changes the new database before it is put in place. */
  | {
      readonly kind: 'migrate-incoming';
      /** The program and its arguments. */
      readonly command: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutSeconds: number;
      /** Where the target's code ends, where that is known and no other step migrates after this one. */
      readonly goal: readonly string[];
      /** The files of its code say so: it must be reached. Absent: it is what the target's database held. */
      readonly goalFrom?: 'files';
    }
  /** That what the new database declares of itself holds: constraints, indexes, sequences. */
  | { readonly kind: 'verify-integrity' }
  /** That each key that rows of the new database name is that of an object in the target. */
  | {
      readonly kind: 'verify-references';
      readonly bucket: string;
      readonly columns: readonly ReferenceColumn[];
      /** Which objects of the target are expected to be named. */
      readonly selection: Selection;
    }
  /** A request to the target's application. */
  | {
      readonly kind: 'migrate';
      readonly method: 'POST' | 'PUT';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: unknown;
      readonly expect: Expectation;
      readonly timeoutSeconds: number;
      /** What tells that it has ended where no answer came; absent: the revision in the database. */
      readonly poll?: { readonly path: string; readonly expect: Expectation };
      /** How long it may go on after that. */
      readonly withinSeconds: number;
      /** Where the target's code ends, where that is known and no other step migrates after this one. */
      readonly goal: readonly string[];
      /** The files of its code say so: it must be reached. Absent: it is what the target's database held. */
      readonly goalFrom?: 'files';
    }
  | {
      readonly kind: 'check-health';
      readonly path: string;
      readonly expect: Expectation;
      /** Where the answer tells its single checks. */
      readonly checks: string;
      readonly withinSeconds: number;
    }
  | {
      readonly kind: 'compare-versions';
      readonly policy: 'any' | 'same' | 'ahead';
      readonly withinSeconds: number;
    }
  | {
      readonly kind: 'compare-total';
      readonly path: string;
      readonly read: string;
      /** The target's, whose rows it must tell; absent: what the source's application tells. */
      readonly table?: string;
      readonly withinSeconds: number;
    }
  | ({ readonly kind: 'check-value'; readonly withinSeconds: number } & ExpectedValue)
  | { readonly kind: 'drop-previous'; readonly database: string; readonly keep: number };

/** A masked column whose real values must not have arrived anywhere. */
export interface ScannedColumn extends ColumnName {
  /** The mask's kind. */
  readonly mask: string;
  /** Where in the column's json, as the config writes it; absent: all of it. */
  readonly path?: string;
}

/** A table's rule for rows without parents. */
export interface OrphanRule {
  readonly table: TableName;
  readonly onOrphan: TableRule['onOrphan'];
}

/** Which objects are read back: none, all, or about so many. */
export type ContentScope = 'none' | 'all' | { readonly sample: number };

/** A column whose values are keys of a bucket. */
export interface ReferenceColumn {
  readonly column: string;
  /** What it means where the source's bucket lacks a key too. */
  readonly absent: 'warn' | 'fail';
}

export type Kind = Act['kind'];
export type Expectation = Readonly<Record<string, string | number | boolean>>;

/** How far a step is: all bytes and objects so far. */
export interface StepProgress {
  readonly bytes: number;
  readonly objects?: number;
  readonly failed?: number;
}

/** How a step ended. `stopped` was under way when another one failed; `failed` keeps what was known all the same. */
export type Outcome<K extends Kind = Kind> =
  | { readonly status: 'not-run' }
  | {
      readonly status: 'stopped';
      readonly startedAt: string;
      readonly durationMs: number;
      /** How far it came, where that is counted. */
      readonly progress?: StepProgress;
    }
  | { readonly status: 'done'; readonly startedAt: string; readonly durationMs: number; readonly facts: Facts[K] }
  | {
      readonly status: 'failed';
      readonly startedAt: string;
      readonly durationMs: number;
      readonly failure: Failure;
      readonly facts?: Facts[K];
    };

/** Every step of a plan with its outcome. */
export type StepReport = { [K in Kind]: Extract<Step, { kind: K }> & { readonly outcome: Outcome<K> } }[Kind];
