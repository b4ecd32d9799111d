import type { HealthCheck } from './app/health.ts';
import type { ComparedVersions } from './app/version.ts';
import type { Integrity } from './postgres/integrity.ts';
import type { ReferenceCheck } from './references.ts';
import type { LoadedTable } from './postgres/load.ts';
import type { Digest } from './postgres/digest.ts';
import type { TableName } from './postgres/names.ts';
import type { Orphans } from './postgres/rules/orphans.ts';
import type { Origin } from './postgres/session.ts';
import type { ContentCheck } from './s3/content.ts';
import type { DiffTotals } from './s3/diff.ts';
import type { Deleted } from './s3/extras.ts';
import type { Transferred } from './s3/transfer.ts';

/** What is known once a step of that kind is done. */
export interface Facts {
  /** `disk`: the server's system identifier and the database's number, where the role may read them. */
  readonly 'take-snapshot': { readonly origin: Origin; readonly takenAt: string; readonly disk?: string };
  /** `oid`: its number on the server; `presentOid`: that of the database it is to replace. */
  readonly 'create-database': {
    readonly origin: Origin;
    readonly database: string;
    readonly reclaimed: readonly string[];
    readonly oid?: string;
    readonly presentOid?: string;
  };
  /** `refused`: what the target's server would not make, in words. `print`: of all that is made, there and later. */
  readonly 'copy-schema': { readonly objects: number; readonly refused: readonly string[]; readonly print?: string };
  readonly 'select-subset': { readonly tables: readonly SubsetTable[] };
  /**
   * `limited`: by a rule or the subset, not all of the source's rows. `since`: it was loaded in an earlier part of the run, and in
   * the last one's moment the source's rows were the same, or were copied again; `compareMs`: how long it took to see.
   */
  readonly 'copy-table': LoadedTable & {
    readonly table: TableName;
    readonly limited?: true;
    readonly since?: 'same' | 'again';
    readonly compareMs?: number;
  };
  /** `values`: how many different real values were looked for; `rows`: among how many rows. `leaks`: where, in words. */
  readonly 'scan-leaks': { readonly values: number; readonly rows: number; readonly leaks: readonly string[] };
  /** `read`: staging's; `kept`: of them; `replaced`: the source's rows that made room. */
  readonly 'keep-rows': {
    readonly table: TableName;
    readonly read: number;
    readonly kept: number;
    readonly replaced: number;
  };
  /** `rows`: the source's; `carried`: those that staging had too. */
  readonly 'carry-values': { readonly table: TableName; readonly rows: number; readonly carried: number };
  readonly 'settle-orphans': { readonly orphans: readonly Orphans[] };
  readonly 'copy-large-objects': {
    readonly objects: number;
    readonly bytes: number;
    readonly source: Digest;
    readonly target: Digest;
  };
  readonly 'add-keys': { readonly foreignKeys: number; readonly objects: number; readonly refused: readonly string[] };
  /** `counts`: of each statement. `changed`: how many rows of which table it inserted, updated or deleted. */
  readonly 'after-load': {
    readonly counts: readonly number[];
    readonly changed: readonly { readonly table: TableName; readonly rows: number }[];
  };
  readonly 'fill-views': { readonly views: number; readonly objects: number; readonly refused: readonly string[] };
  readonly 'set-sequences': { readonly sequences: number };
  readonly analyze: Readonly<Record<string, never>>;
  readonly 'set-privileges': {
    readonly owners: number;
    readonly grants: number;
    readonly refused: readonly string[];
  };
  readonly 'verify-tables': { readonly tables: number; readonly rows: number; readonly different: readonly string[] };
  /** How many different ones. */
  readonly 'read-keys': { readonly bucket: string; readonly keys: number };
  /** `referenced`: how many keys rows name, and how many of them are not among the source's selected objects. */
  readonly 'copy-objects': Transferred & {
    readonly bucket: string;
    readonly referenced?: { readonly keys: number; readonly absent: number };
  };
  readonly 'verify-objects': DiffTotals & { readonly content?: ContentCheck };
  readonly 'delete-objects': Deleted;
  readonly swap: { readonly database: string; readonly previous: string; readonly sessionsEnded: number };
  /** `output`: the last lines that it wrote. */
  readonly 'migrate-incoming': Migrated & { readonly exitCode: number; readonly output: readonly string[] };
  readonly 'verify-integrity': Integrity;
  readonly 'verify-references': ReferenceCheck;
  /** `polled`: why no answer was had, and how long it then took. */
  readonly migrate: Migrated & {
    readonly answer: unknown;
    readonly polled?: { readonly reason: string; readonly seconds: number };
  };
  readonly 'check-health': { readonly answer: unknown; readonly checks: readonly HealthCheck[] };
  readonly 'compare-versions': ComparedVersions;
  readonly 'compare-total': { readonly source: unknown; readonly target: unknown };
  readonly 'check-value': { readonly value: unknown };
  /** `freedBytes`: of those that were dropped, as far as their sizes could be read. */
  readonly 'drop-previous': {
    readonly dropped: readonly string[];
    readonly kept: readonly string[];
    readonly freedBytes?: number;
  };
}

/** The revisions of a database before and after; absent where it names none. */
export interface Migrated {
  readonly revisionBefore?: string;
  readonly revisionAfter?: string;
}

/** How many rows of a table the subset has. */
export interface SubsetTable {
  readonly table: TableName;
  readonly rows: number;
}
