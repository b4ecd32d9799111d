import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Table } from './postgres/catalog.ts';
import { plainName } from './postgres/empty-tables.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './postgres/names.ts';
import { matchesTable } from './postgres/rules/table-pattern.ts';
import { plainRule, type ColumnRule, type TableRule } from './postgres/rules/table-rule.ts';

/** The rules of the config, for the tables that there are. */
export interface ResolvedRules {
  /** By quoted name; a table that no rule is about is absent. */
  readonly byTable: ReadonlyMap<string, TableRule>;
  /** Tables that are not even made, partitioned ones with all their parts. */
  readonly skip: readonly TableName[];
  /** `config-invalid`, for names that mean nothing. */
  readonly problems: readonly RestageError[];
}

type TablesConfig = Config['database']['tables'];
type RuleConfig = TablesConfig[string];

/**
 * Which rules hold for which table. All that match a table, or a table that it is a part of, hold together; where two say the same
 * thing, a name goes before a pattern, the table's own before that of a table that it is a part of, and else the later one.
 * `known`: every table of the source that holds rows.
 */
export function resolveRules(tables: TablesConfig, known: readonly Table[]): ResolvedRules {
  const problems: RestageError[] = [];
  const byTable = new Map<string, TableRule>();
  const skip = new Map<string, TableName>();
  const entries = Object.entries(tables);
  for (const table of known) {
    const own = [table.table, ...table.parents];
    const merged = ruleOf(own, entries);
    if (!merged) continue;
    if (merged.rows === 'skip') {
      skip.set(quoteTable(table.table), table.table);
      // What it is a part of goes too where the rule is about that.
      for (const [index, parent] of table.parents.entries())
        if (ruleOf(own.slice(index + 1), entries)?.rows === 'skip') skip.set(quoteTable(parent), parent);
    } else byTable.set(quoteTable(table.table), forTable(merged, table));
  }
  for (const [name, rule] of entries) {
    const matched = known.filter(({ table, parents }) => [table, ...parents].some((one) => matchesTable(one, name)));
    if (matched.length === 0) problems.push(unknownTable(name, known));
    else problems.push(...unknownColumns(name, rule, matched));
  }
  for (const { table, parents } of known) {
    const whole = parents.find((parent) => skip.has(quoteTable(parent)));
    if (whole && !skip.has(quoteTable(table))) problems.push(partOfSkipped(table, whole));
  }
  return { byTable, skip: [...skip.values()], problems };
}

/** What all rules together say of a table, and of those that it is a part of, the nearest first; undefined where none does. */
function ruleOf(own: readonly TableName[], entries: readonly (readonly [string, RuleConfig])[]): Merged | undefined {
  const matching = entries
    .filter(([name]) => own.some((one) => matchesTable(one, name)))
    .map(([name, rule]) => {
      const named = own.findIndex((one) => isCalled(one, name));
      // The nearest name goes before all, and so comes last.
      return { rule, rank: named === -1 ? 0 : own.length - named };
    })
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ rule }) => rule);
  return matching.length === 0 ? undefined : mergeRules(matching);
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

type Merged = RuleConfig & { readonly rows: NonNullable<RuleConfig['rows']>; readonly isWhole: boolean };

function mergeRules(rules: readonly RuleConfig[]): Merged {
  const whole = rules.map(withRows).reduce((one, other) => {
    const changes = { ...other.set, ...other.mask, ...other.carry?.default };
    return {
      ...one,
      ...defined(other),
      keep: other.keep ?? (other.rows === undefined || other.rows === 'merge' ? one.keep : undefined),
      set: { ...without(one.set, changes), ...other.set },
      mask: { ...without(one.mask, changes), ...other.mask },
      carry: other.carry ?? (one.carry && { ...one.carry, default: without(one.carry.default, changes) }),
      rewrite: [...one.rewrite, ...other.rewrite],
      allow: [...new Set([...one.allow, ...other.allow])],
    };
  });
  const isWhole = whole.rows === 'copy';
  const rows = whole.rows ?? 'copy';
  if (rows === 'copy' || rows === 'merge') return { ...whole, rows, isWhole };
  // What another rule says of production's rows is about none.
  return { ...whole, rows, isWhole, where: undefined, carry: undefined, set: {}, mask: {}, rewrite: [] };
}

/** Staging's rows that stay are rows of both ends. */
function withRows(rule: RuleConfig): RuleConfig {
  return rule.rows === undefined && rule.keep ? { ...rule, rows: 'merge' } : rule;
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>; // fewer of the same
}

function without<T>(one: Readonly<Record<string, T>>, other: Readonly<Record<string, unknown>>): Record<string, T> {
  return Object.fromEntries(Object.entries(one).filter(([name]) => !Object.hasOwn(other, name)));
}

/** The rule as it is for one table: only the columns that it has, and that are not made of others. */
function forTable(rule: Merged, { columns }: Table): TableRule {
  const isThere = (name: string) => columns.some((column) => column.name === name);
  const has = (name: string) => columns.some((column) => column.name === name && !column.generated);
  const defaults = rule.carry?.default ?? {};
  const columnRules = [
    ...Object.entries({ ...rule.set, ...defaults }).map(([name, sql]): [string, ColumnRule] => [
      name,
      { kind: 'set', sql },
    ]),
    ...Object.entries(rule.mask).map(([name, mask]): [string, ColumnRule] => [name, { kind: 'mask', mask }]),
  ];
  const match = [rule.carry?.match ?? []].flat();
  const carried = match.every(isThere) ? (rule.carry?.columns.filter(has) ?? []) : [];
  return {
    ...plainRule,
    rows: rule.rows === 'skip' ? 'empty' : rule.rows,
    ...(rule.isWhole ? { whole: true } : {}),
    ...(rule.where === undefined ? {} : { where: rule.where }),
    ...(rule.keep === undefined ? {} : { ownWhere: rule.keep.where }),
    onCollision: rule.onCollision ?? 'fail',
    onOrphan: rule.onOrphan ?? 'fail',
    columns: Object.fromEntries(columnRules.filter(([name]) => has(name))),
    rewrite: rule.rewrite,
    ...(carried.length > 0 ? { carry: { match, columns: carried } } : {}),
    allow: rule.allow.filter(isThere),
  };
}

function partOfSkipped(table: TableName, whole: TableName): RestageError {
  return new RestageError(
    'config-invalid',
    `database.tables: ${displayTable(table)} is a part of ${displayTable(whole)}, which is skipped`,
    { hint: `Skip it too, or let ${displayTable(whole)} be empty instead.` },
  );
}

function unknownTable(name: string, known: readonly Table[]): RestageError {
  const names = known.flatMap(({ table, parents }) => [table, ...parents]).map(plainName);
  const near = nearest(name, [...new Set(names)]);
  return new RestageError(
    'config-invalid',
    `database.tables: the source has no table ${isPattern(name) ? `that ${name} matches` : name}${near === undefined ? '' : `; it has ${near}`}`,
    {
      hint: 'Bare names are of the schema public; all others are schema.table, as in the database, upper and lower case.',
    },
  );
}

/** Columns that a rule names and no table that it is about has, or of which the server itself makes the value. */
function unknownColumns(name: string, rule: RuleConfig, matched: readonly Table[]): RestageError[] {
  const carried = rule.carry ? [...[rule.carry.match].flat(), ...rule.carry.columns] : [];
  const changed = [...Object.keys(rule.set), ...Object.keys(rule.mask), ...(rule.carry?.columns ?? [])];
  const named = new Set([...changed, ...carried, ...rule.allow]);
  const where = `database.tables.${name}`;
  return [...named].flatMap((column) => {
    const found = matched.flatMap(({ columns }) => columns.filter((one) => one.name === column));
    if (found.length === 0) {
      const near = nearest(
        column,
        matched.flatMap(({ columns }) => columns.map((one) => one.name)),
      );
      const [only, second] = matched;
      const table =
        only && !second ? displayTable(only.table) : isPattern(name) ? `none of ${matched.length} tables` : name;
      return new RestageError(
        'config-invalid',
        `${where}: ${table} has ${second && isPattern(name) ? 'a' : 'no'} column ${column}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    // Of a pattern's tables those that have the column otherwise are meant.
    if (changed.includes(column) && found.every(({ generated }) => generated))
      return new RestageError(
        'config-invalid',
        `${where}: ${column} is a generated column: the target's server makes its value`,
        { hint: 'Give the columns that it is made of a rule.' },
      );
    return [];
  });
}
