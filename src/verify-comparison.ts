import type { Config } from './config.ts';
import type { Table } from './postgres/catalog.ts';
import { quoteTable } from './postgres/names.ts';
import { readForeignKeys, type ForeignKey } from './postgres/references.ts';
import { maskReferences } from './postgres/rules/referring-masks.ts';
import { matchesTable } from './postgres/rules/table-pattern.ts';
import { isRepeatableWhere } from './postgres/rules/table-rows.ts';
import type { TableRule } from './postgres/rules/table-rule.ts';
import type { ReadSession } from './postgres/session.ts';
import type { ChangedRows } from './postgres/description.ts';
import { isVersionTable, type VersionTable } from './postgres/version-tables.ts';
import { counted } from './report/format.ts';
import { resolveRules } from './resolve-rules.ts';

/** The rules that hold, and why a table cannot be compared, if so. */
export async function readComparison(
  source: ReadSession,
  { database }: Config,
  tables: readonly Table[],
  changed: readonly ChangedRows[],
  versions: readonly VersionTable[],
): Promise<{ byTable: ReadonlyMap<string, TableRule>; reasonFor(table: Table): string | undefined }> {
  const resolved = resolveRules(database.tables, tables);
  const [problem] = resolved.problems;
  if (problem) throw problem;
  const isRuled = resolved.byTable.size > 0 || database.subset !== undefined;
  const foreignKeys = isRuled ? await readForeignKeys(source) : [];
  // What refers to a masked column has its mask; what only the config connects is left out below.
  const byTable = maskReferences(tables, resolved.byTable, foreignKeys).rules;
  const skipped = new Set(resolved.skip.map(quoteTable));
  const partly = database.subset ? connected(database.subset, tables, foreignKeys) : () => false;
  const reasonFor = (table: Table): string | undefined => {
    const name = quoteTable(table.table);
    const rule = byTable.get(name);
    if (isVersionTable(table.table, versions)) return 'for it holds the revision';
    if (skipped.has(name)) return 'by its rule it is not made';
    if (rule?.rows === 'empty') return "by its rule the source's rows are not copied";
    if (rule?.rows === 'keep') return "its rows are staging's own";
    if (partly(table)) return 'the subset has some of its rows only';
    if (rule && !isRepeatableWhere(rule)) return 'its where selects others each time';
    const names = new Set([table.table, ...table.parents].map(quoteTable));
    return reasonOf(changed.filter((one) => names.has(quoteTable(one.table))));
  };
  return { byTable, reasonFor };
}

/** What the run itself has done to a table after it was copied. */
function reasonOf(changed: readonly ChangedRows[]): string | undefined {
  const rows = changed.reduce((sum, one) => sum + one.rows, 0);
  if (changed.length === 0) return undefined;
  if (changed.some(({ by }) => by === 'afterLoad'))
    return rows === 0 ? 'afterLoad changed it' : `afterLoad changed ${counted(rows, 'row')} of it`;
  return `${counted(rows, 'row')} of it had no parent`;
}

/** The tables of which a subset takes some rows: those that keys connect to a starting table, in whichever direction. */
function connected(
  { from, references }: NonNullable<Config['database']['subset']>,
  tables: readonly Table[],
  foreignKeys: readonly ForeignKey[],
): (table: Table) => boolean {
  const all = tables.flatMap(({ table, parents }) => [table, ...parents]);
  const called = (name: string) => all.filter((table) => matchesTable(table, name)).map(quoteTable);
  const ofColumn = (column: string) => called(column.slice(0, column.lastIndexOf('.')));
  const links: (readonly string[])[] = [
    ...foreignKeys.map(({ table, parent }) => [quoteTable(table), quoteTable(parent)]),
    ...references.map((one) => [...ofColumn(one.from), ...ofColumn(one.to)]),
    // A key of a partitioned table is one of its parts.
    ...tables.map(({ table, parents }) => [table, ...parents].map(quoteTable)),
  ];
  const reached = new Set(Object.keys(from).flatMap(called));
  for (let before = -1; before < reached.size;) {
    before = reached.size;
    for (const link of links) if (link.some((name) => reached.has(name))) for (const name of link) reached.add(name);
  }
  return ({ table }) => reached.has(quoteTable(table));
}
