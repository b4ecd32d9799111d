import { lettingLocksGo, type Table } from './catalog.ts';
import { digestTable, type Digest } from './digest.ts';
import { digestByRule } from './rules/rule-reading.ts';
import { changesRows, comparedColumns, conditionOf } from './rules/table-rows.ts';
import type { TableRule } from './rules/table-rule.ts';
import type { ReadSession } from './session.ts';

interface Ruled {
  readonly rule?: TableRule | undefined;
}

/** Of the source's rows as they are to be copied. */
export function digestSource(reader: ReadSession, table: Table, { rule }: Ruled, condition?: string): Promise<Digest> {
  if (rule && changesRows(table, rule))
    return digestByRule(reader, table, rule, comparedColumns(table, rule), condition);
  return lettingLocksGo(reader, () => digest(reader, table, table.columns, condition));
}

/** Of the target's rows as they are there. */
export function digestTarget(writer: ReadSession, table: Table, { rule }: Ruled, condition?: string): Promise<Digest> {
  return digest(writer, table, comparedColumns(table, rule), condition);
}

function digest(
  session: ReadSession,
  table: Table,
  columns: Table['columns'],
  condition: string | undefined,
): Promise<Digest> {
  return digestTable(session, table, columns, conditionOf(table, undefined, condition));
}
