import type { RestageError } from './errors.ts';
import type { Table } from './postgres/catalog.ts';
import type { ColumnName, TableName } from './postgres/names.ts';
import type { ForeignKey } from './postgres/references.ts';
import type { ReadSession } from './postgres/session.ts';
import type { TableRule } from './postgres/table-rule.ts';

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

export { planSubset } from './plan-subset.ts';

export async function planSkip(_session: ReadSession, _skip: readonly TableName[]): Promise<Told> {
  return nothing;
}

export { hiddenNotes } from './postgres/hidden-values.ts';
export { scannedColumns } from './scanned-columns.ts';

/** How many rows a `where` selects, by quoted name. */
export async function countSelected(
  _session: ReadSession,
  _tables: readonly Table[],
  _rules: Rules,
): Promise<ReadonlyMap<string, number>> {
  return new Map();
}
