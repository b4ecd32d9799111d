import { RestageError } from '../../errors.ts';
import type { Column, Table } from '../catalog.ts';
import { plainName } from '../empty-tables.ts';
import { maskSql } from '../masks/mask-sql.ts';
import { displayTable, quoteName, quoteTable, type TableName } from '../names.ts';
import type { ForeignKey } from '../references.ts';
import { maskKind, plainRule, type ColumnRule, type Mask, type Reference, type TableRule } from './table-rule.ts';

type Rules = ReadonlyMap<string, TableRule>;

/** One column that refers to another, by a foreign key or as the config says. */
interface Pair {
  readonly child: { readonly table: TableName; readonly column: string };
  readonly parent: { readonly table: TableName; readonly column: string };
  /** In words. */
  readonly by: string;
}

/**
 * The rules, with the mask of each masked column also in the columns that refer to it, by foreign keys or as the config says, and so
 * on to those that refer to these. What cannot agree is told as `rule-unfit`; what a key brought along is told in the notes.
 */
export function maskReferences(
  tables: readonly Table[],
  given: Rules,
  foreignKeys: readonly ForeignKey[],
  references: readonly Reference[] = [],
): { readonly rules: Rules; readonly problems: RestageError[]; readonly notes: string[] } {
  const pairs = pairsOf(foreignKeys, references);
  const parts = partsOf(tables);
  const rules = new Map(given);
  const notes: string[] = [];
  for (let again = true; again;) {
    again = false;
    for (const pair of pairs) {
      const mask = maskOf(pair.parent, parts, rules);
      if (mask === undefined || !isOfValueAlone(mask)) continue;
      for (const part of parts(pair.child.table)) {
        const rule = rules.get(quoteTable(part.table));
        const column = part.columns.find(({ name }) => name === pair.child.column);
        if (!column || column.generated || (rule && !hasRowsOfSource(rule))) continue;
        if (rule?.allow.includes(column.name) || (rule && Object.hasOwn(rule.columns, column.name))) continue;
        const brought: ColumnRule = {
          kind: 'mask',
          mask,
          by: `${displayTable(pair.parent.table)}.${pair.parent.column}`,
        };
        rules.set(quoteTable(part.table), withColumn(rule, column.name, brought));
        again = true;
        const note = `${called(pair.child)} gets the mask ${maskKind(mask)} of ${called(pair.parent)}, by ${pair.by}`;
        if (!notes.includes(note)) notes.push(note);
      }
    }
  }
  return { rules, problems: disagreements(pairs, parts, rules), notes };
}

function withColumn(rule: TableRule = plainRule, column: string, brought: ColumnRule): TableRule {
  return { ...rule, columns: { ...rule.columns, [column]: brought } };
}

function hasRowsOfSource({ rows }: TableRule): boolean {
  return rows === 'copy' || rows === 'merge';
}

/** Whether a mask makes the same of the same value, in whatever row and table it stands. */
function isOfValueAlone(mask: Mask): boolean {
  return typeof mask === 'string' || 'constant' in mask || 'number' in mask;
}

function pairsOf(foreignKeys: readonly ForeignKey[], references: readonly Reference[]): readonly Pair[] {
  const declared = foreignKeys.flatMap((key) =>
    key.columns.flatMap((column, index): Pair[] => {
      const parentColumn = key.parentColumns[index];
      if (parentColumn === undefined) return [];
      const parent = { table: key.parent, column: parentColumn };
      return [{ child: { table: key.table, column }, parent, by: `the foreign key ${key.name}` }];
    }),
  );
  const said = references.map(({ table, column, parent, parentColumn }): Pair => ({
    child: { table, column },
    parent: { table: parent, column: parentColumn },
    by: 'database.subset.references',
  }));
  // To itself a column always agrees.
  return [...declared, ...said].filter(({ child, parent }) => idOf(child) !== idOf(parent));
}

/** The tables that hold the rows of a table: itself, or the parts of a partitioned one. */
function partsOf(tables: readonly Table[]): (name: TableName) => readonly Table[] {
  const byName = new Map(tables.map((one) => [quoteTable(one.table), one]));
  const below = new Map<string, Table[]>();
  for (const one of tables)
    for (const parent of one.parents) below.set(quoteTable(parent), [...(below.get(quoteTable(parent)) ?? []), one]);
  return (name) => {
    const own = byName.get(quoteTable(name));
    return own ? [own] : (below.get(quoteTable(name)) ?? []); // a foreign key is not inherited but by partitions
  };
}

function ruleOf(part: Table, column: string, rules: Rules): ColumnRule | undefined {
  const rule = rules.get(quoteTable(part.table));
  return rule && Object.hasOwn(rule.columns, column) ? rule.columns[column] : undefined;
}

/** The mask of a column that is referred to; the first one, where parts of its table have several. */
function maskOf({ table, column }: Pair['parent'], parts: ReturnType<typeof partsOf>, rules: Rules): Mask | undefined {
  for (const part of parts(table)) {
    const rule = ruleOf(part, column, rules);
    if (rule?.kind === 'mask') return rule.mask;
  }
  return undefined;
}

/** Where what refers and what is referred to would not be alike any more. */
function disagreements(pairs: readonly Pair[], parts: ReturnType<typeof partsOf>, rules: Rules): RestageError[] {
  const problems = new Map<string, RestageError>();
  for (const pair of pairs) {
    const parents = parts(pair.parent.table);
    for (const part of parts(pair.child.table)) {
      const childRule = rules.get(quoteTable(part.table));
      if (childRule && !hasRowsOfSource(childRule)) continue;
      for (const parent of parents) {
        const problem = disagreement(pair, part, parent, rules);
        if (problem && !problems.has(problem.message)) problems.set(problem.message, problem);
      }
    }
  }
  return [...problems.values()];
}

function disagreement(pair: Pair, part: Table, parent: Table, rules: Rules): RestageError | undefined {
  const child = ruleOf(part, pair.child.column, rules);
  const above = ruleOf(parent, pair.parent.column, rules);
  // Whoever writes SQL, or one value, may have written what is there; nulls refer to nothing.
  if (isOnesOwn(child) || (child?.kind === 'mask' && child.mask === 'null')) return undefined;
  const refers = `${called(pair.child)} refers to ${called(pair.parent)}, by ${pair.by}`;
  const column = part.columns.find(({ name }) => name === pair.child.column);
  const parentColumn = parent.columns.find(({ name }) => name === pair.parent.column);
  if (!column || !parentColumn) return undefined;
  if (above === undefined) {
    if (child === undefined) return undefined;
    const own = rules.get(quoteTable(parent.table));
    if (own && !hasRowsOfSource(own))
      return unfit(
        `${refers}, but ${called(pair.child)} has the mask ${nameOf(child)} and the rows of ${displayTable(pair.parent.table)} are ${own.rows === 'keep' ? "staging's own" : 'not copied'}: no masked value has a parent`,
        `Set ${setting(pair.child, '"null"')}, or leave its mask out.`,
      );
    return unfit(
      `${refers}, but only ${called(pair.child)} has the mask ${nameOf(child)}: no masked value would have a parent`,
      `Give ${called(pair.parent)} the same mask in restage.yaml, ${setting(pair.parent, written(child))}, or leave out that of ${called(pair.child)}.`,
    );
  }
  if (above.kind === 'set' || !isOfValueAlone(above.mask))
    return unfit(
      `${refers}, but ${called(pair.parent)} has ${above.kind === 'set' ? 'a set' : `the mask ${nameOf(above)}`}, which makes a value by its row: ${called(pair.child)} cannot get the same`,
      `Give ${called(pair.parent)} a mask that goes by the value alone, such as ${setting(pair.parent, 'hash')}, or ${called(pair.child)} a set of its own in database.tables.`,
    );
  if (child === undefined) {
    const allowed = rules.get(quoteTable(part.table))?.allow.includes(column.name) ?? false;
    return unfit(
      `${refers}, which has the mask ${nameOf(above)}, but ${called(pair.child)} ${allowed ? 'is to be copied as it is, by allow' : 'is a generated column and cannot have it too'}`,
      allowed
        ? `Leave ${pair.child.column} out of database.tables: { ${JSON.stringify(plainName(pair.child.table))}: { allow } }: it gets the mask by itself; or take the mask of ${called(pair.parent)} away.`
        : `Give the columns that it is made of what makes the same of them, or leave the mask of ${called(pair.parent)} out.`,
    );
  }
  if (child.kind === 'mask' && !isSame(child.mask, above.mask))
    return unfit(
      `${refers}, but has the mask ${nameOf(child)} where that has ${nameOf(above)}: no masked value would have a parent`,
      `Give both the same mask in restage.yaml; without one of its own ${called(pair.child)} gets it by itself.`,
    );
  if (child.kind === 'mask' && !makesTheSame(above.mask, column, parentColumn))
    return unfit(
      `${refers}, but the mask ${nameOf(above)} makes another value in ${column.type} than in ${parentColumn.type}: no masked value would have a parent`,
      `Give both a mask that fits into the shorter of the two, such as ${setting(pair.parent, '{ sql: … }')} and the same for ${called(pair.child)}.`,
    );
  return undefined;
}

/** Whether the user says the very values: SQL, or one value for all. */
function isOnesOwn(rule: ColumnRule | undefined): boolean {
  if (rule === undefined) return false;
  return rule.kind === 'set' || (typeof rule.mask === 'object' && ('sql' in rule.mask || 'constant' in rule.mask));
}

function isSame(one: Mask, other: Mask): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a mask fills the room of both columns alike: by its SQL, with the names and types taken out. */
function makesTheSame(mask: Mask, one: Column, other: Column): boolean {
  const sql = (column: Column) => {
    const { hashes, sql: made } = maskSql(mask, { ...column, name: 'value' }, bare);
    return JSON.stringify([hashes, made]).replaceAll(
      /::(character varying|text|bpchar|name|integer|bigint|smallint)\b/g,
      '',
    );
  };
  return sql(one) === sql(other);
}

const bare: Table = {
  table: { schema: 'public', name: 'bare' },
  parents: [],
  primaryKey: [],
  columns: [],
  rows: 0,
  rowsAreEstimated: false,
  neverEstimated: false,
  estimatedRows: 0,
  sizeBytes: 0,
  indexBytes: 0,
};

function idOf({ table, column }: Pair['child']): string {
  return `${quoteTable(table)}.${quoteName(column)}`;
}

function called({ table, column }: Pair['child']): string {
  return `${displayTable(table)}.${column}`;
}

function nameOf(rule: ColumnRule): string {
  return rule.kind === 'set' ? 'set' : maskKind(rule.mask);
}

function written(rule: ColumnRule): string {
  return rule.kind === 'set' ? '…' : JSON.stringify(rule.mask);
}

function setting({ table, column }: Pair['child'], mask: string): string {
  return `database.tables: { ${JSON.stringify(plainName(table))}: { mask: { ${JSON.stringify(column)}: ${mask} } } }`;
}

function unfit(message: string, hint: string): RestageError {
  return new RestageError('rule-unfit', message, { hint });
}
