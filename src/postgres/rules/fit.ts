import type { RestageError } from '../../errors.ts';
import { lettingLocksGo, type Table } from '../catalog.ts';
import { changedColumns } from './dry-conditions.ts';
import { drySeconds, dryRun } from './dry-run.ts';
import { maskFits } from '../masks/mask-sql.ts';
import { quoteTable, type TableName } from '../names.ts';
import type { ForeignKey } from '../references.ts';
import { maskReferences } from './referring-masks.ts';
import { readConstraints, type Constraints } from './rule-constraints.ts';
import { calledColumn, ruleWords, settingOf, unfit, type Unfit } from './rule-words.ts';
import type { ReadSession } from '../session.ts';
import { hasNoRows, maskNames, type Reference, type TableRule } from './table-rule.ts';
import { readSpread, uniqueProblems } from './unique-rules.ts';

/** Rules that were looked at, with what foreign keys bring along. */
export interface ProvenRules {
  readonly rules: ReadonlyMap<string, TableRule>;
  /** `rule-unfit`: each with table, column, what is in its way, and what would do. */
  readonly problems: readonly RestageError[];
  readonly notes: readonly string[];
}

export interface ProofOptions {
  /** References that the schema does not declare. */
  readonly references?: readonly Reference[];
  /** How long a table's sample may take. */
  readonly seconds?: number;
}

/**
 * Whether what the rules make of the rows may stand in the tables: by the types, by the keys that must be unique and those that must
 * meet, and by evaluating them on a sample in the session's snapshot. All problems of all tables at once. `rules`: by quoted name.
 * Throws what the connection throws.
 */
export async function proveRules(
  session: ReadSession,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
  foreignKeys: readonly ForeignKey[],
  { references = [], seconds = drySeconds }: ProofOptions = {},
): Promise<ProvenRules> {
  const referring = maskReferences(tables, rules, foreignKeys, references);
  const ruled = tables.flatMap((table) => {
    const rule = referring.rules.get(quoteTable(table.table));
    if (!rule || hasNoRows(rule)) return [];
    return rule.where === undefined && changedColumns(table, rule).length === 0 ? [] : [{ table, rule }];
  });
  const changed = ruled.map(({ table }) => table);
  const constraints = await lettingLocksGo(session, () => readConstraints(session, changed));
  const spread = await readSpread(session, changed);
  const known = new Set(tables.map(({ table }) => quoteTable(table)));
  const problems = new Map<string, RestageError>();
  const tell = (found: readonly Unfit[]) => {
    for (const { about, error } of found) if (!problems.has(about)) problems.set(about, error);
  };
  for (const { table, rule } of ruled) {
    const own = constraints.get(quoteTable(table.table)) ?? nothing;
    const name = ruledName(table, known);
    const unfitting = unfittingColumns(table, name, rule, own);
    tell([...unfitting.values()]);
    // What is not for its column cannot be tried on it.
    const rest = withoutColumns(rule, unfitting);
    tell(uniqueProblems(table, name, rest, own, spread));
    tell(await dryRun(session, { table, name, rule: rest, constraints: own, seconds }));
  }
  return { rules: referring.rules, problems: [...referring.problems, ...problems.values()], notes: referring.notes };
}

const nothing: Constraints = { checks: [], unique: [], partitionedBy: [], generated: [] };

/** The table as rules are written for it: a partition by the whole table. */
function ruledName(table: Table, known: ReadonlySet<string>): TableName {
  return table.parents.findLast((parent) => !known.has(quoteTable(parent))) ?? table.table;
}

/** Columns whose rule can be nothing for them, by their names. */
function unfittingColumns(
  table: Table,
  name: TableName,
  rule: TableRule,
  { partitionedBy }: Constraints,
): ReadonlyMap<string, Unfit> {
  const found = new Map<string, Unfit>();
  for (const column of table.columns) {
    const own = Object.hasOwn(rule.columns, column.name) ? rule.columns[column.name] : undefined;
    if (own === undefined) continue;
    const place = `${calledColumn(name, column.name)}, ${ruleWords(rule, column.name)}`;
    const setting = settingOf(name, rule, column.name);
    if (partitionedBy.includes(column.name) && !table.wholeTree) {
      const message = `${place}: the table is partitioned by it, and rows would belong into another partition`;
      found.set(
        column.name,
        unfit(name, column.name, message, `Leave ${setting} out: what a table is partitioned by is copied as it is.`),
      );
      continue;
    }
    if (own.kind !== 'mask') continue;
    const reason = maskFits(own.mask, column, table);
    if (reason === undefined) continue;
    const fitting = maskNames.filter((mask) => maskFits(mask, column, table) === undefined);
    const isKey = own.mask === 'null' && table.primaryKey.includes(column.name);
    const why = own.mask === 'null' && column.required ? ` (${isKey ? 'it is of the primary key' : 'NOT NULL'})` : '';
    found.set(
      column.name,
      unfit(
        name,
        `column ${column.name}`,
        `${place}: ${reason}${why}${reason.includes(column.type) ? '' : `; it is ${column.type}`}`,
        `${byAdvice(reason)}${fitting.length === 0 ? 'No mask by name is for it: { sql: … } would do.' : `Masks that are for it: ${fitting.slice(0, 8).join(', ')}, or { sql: … }.`} Change ${setting} in restage.yaml.`,
      ),
    );
  }
  return found;
}

/** A date that lacks only what it goes by needs no other mask. */
function byAdvice(reason: string): string {
  return /\bby\b/.test(reason) ? 'by names a column of the table: { date: { shiftDays: 30, by: COLUMN } }. ' : '';
}

function withoutColumns(rule: TableRule, columns: ReadonlyMap<string, unknown>): TableRule {
  const kept = Object.entries(rule.columns).filter(([name]) => !columns.has(name));
  return { ...rule, columns: Object.fromEntries(kept) };
}
