import { RestageError } from '../errors.ts';
import type { Table } from '../postgres/catalog.ts';
import type { LoadOptions } from '../postgres/load.ts';
import { displayTable, quoteTable } from '../postgres/names.ts';
import { inParts, isOneOf, rowsIn, type RowsOfFile } from '../postgres/rules/row-ids.ts';
import { selectSubset } from '../postgres/rules/subset.ts';
import type { TableRule } from '../postgres/rules/table-rule.ts';
import type { Perform } from './context.ts';
import { lanesOf, requireDatabase, type DatabaseRun } from './database-run.ts';

/** Which rows of the source are copied, where it is a part of them. */
export const subsetSteps: Perform<'select-subset'> = {
  'select-subset': async ({ subset, tables: planned }, { database }) => {
    const state = requireDatabase(database);
    const { rows, tables } = await lanesOf(state).withReader((reader) =>
      selectSubset(
        reader,
        subset,
        planned.map(({ table }) => table),
      ),
    );
    state.subset = rows;
    return { facts: { tables } };
  },
};

/** What limits a table's copy to the rows that were selected; nothing where all are copied. */
export function selectionOf(
  { subset }: DatabaseRun,
  { table, wholeTree, ofExtension }: Table,
  rule: TableRule | undefined,
): Pick<LoadOptions, 'rule' | 'conditions'> & { readonly selected?: readonly RowsOfFile[] } {
  // Of an extension's table the rows that are the users' come all.
  const selected = ofExtension === undefined ? subset?.get(quoteTable(table)) : undefined;
  if (!selected) return { rule };
  // The rule's own condition has been asked, of those rows that nobody needs.
  const { where: _asked, ...others } = rule ?? {};
  return {
    ...(rule ? { rule: others as TableRule } : {}), // the same without what may be absent
    conditions: inParts(selected).map((part) => isOneOf(part, wholeTree)),
    selected,
  };
}

/** Throws `data-differs` unless just the selected rows were read. */
export function requireSelected({ table }: Table, rows: number, selected: readonly RowsOfFile[] | undefined): void {
  if (!selected || rowsIn(selected) === rows) return;
  throw new RestageError(
    'data-differs',
    `the subset has ${rowsIn(selected)} rows of ${displayTable(table)}, and ${rows} were read`,
    { hint: 'Rows lie elsewhere than in the snapshot: was the table rewritten meanwhile? Run again.' },
  );
}
