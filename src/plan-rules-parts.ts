import type { Config } from './config.ts';
import type { RestageError } from './errors.ts';
import type { ColumnCast } from './postgres/casts.ts';
import type { Table } from './postgres/catalog.ts';
import type { ColumnName, TableName } from './postgres/names.ts';
import type { ForeignKey } from './postgres/references.ts';
import type { ReadSession } from './postgres/session.ts';
import type { Subset, TableRule } from './postgres/table-rule.ts';
import type { ScannedColumn, SubsetTable } from './step.ts';

// What is to come from rooms of their own; until then each says that there is nothing.

type Rules = ReadonlyMap<string, TableRule>;
interface Told {
  readonly problems: readonly RestageError[];
  readonly notes: readonly string[];
}
const nothing: Told = { problems: [], notes: [] };

export interface UnmaskedColumn extends ColumnName {
  readonly reason: string;
}

export async function proveRules(
  _session: ReadSession,
  _tables: readonly Table[],
  rules: Rules,
  _foreignKeys: readonly ForeignKey[],
): Promise<Told & { readonly rules: Rules }> {
  return { ...nothing, rules };
}

export async function findUnmasked(
  _session: ReadSession,
  _tables: readonly Table[],
  _rules: Rules,
): Promise<readonly UnmaskedColumn[]> {
  return [];
}

export function unmaskedRefusal(_columns: readonly UnmaskedColumn[]): RestageError | undefined {
  return undefined;
}

export async function planOwn(
  _session: ReadSession,
  _rules: Rules,
  _incoming: readonly Table[],
  _own: readonly Table[],
): Promise<
  Told & { readonly tables: ReadonlyMap<string, { readonly rows: number; readonly casts: readonly ColumnCast[] }> }
> {
  return { ...nothing, tables: new Map() };
}

export async function planOrphans(
  _session: ReadSession,
  _tables: readonly Table[],
  _rules: Rules,
  _foreignKeys: readonly ForeignKey[],
): Promise<Told> {
  return nothing;
}

export async function planSubset(
  _session: ReadSession,
  _subset: NonNullable<Config['database']['subset']>,
  _tables: readonly Table[],
  _foreignKeys: readonly ForeignKey[],
  _rules: Rules,
): Promise<Told & { readonly subset: Subset; readonly tables: readonly SubsetTable[] }> {
  return { ...nothing, subset: { from: [], children: [], references: [] }, tables: [] };
}

export async function planSkip(_session: ReadSession, _skip: readonly TableName[]): Promise<Told> {
  return nothing;
}

export async function hiddenNotes(
  _session: ReadSession,
  _tables: readonly Table[],
  _rules: Rules,
): Promise<readonly string[]> {
  return [];
}

export function scannedColumns(
  _tables: readonly Table[],
  _rules: Rules,
): { readonly columns: readonly ScannedColumn[]; readonly except: readonly ColumnName[] } {
  return { columns: [], except: [] };
}

export async function readAfterLoad(
  _config: Pick<Config, 'database'>,
): Promise<readonly { readonly name: string; readonly sql: string }[]> {
  return [];
}
