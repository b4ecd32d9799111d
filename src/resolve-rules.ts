import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Table } from './postgres/catalog.ts';
import { plainName } from './postgres/empty-tables.ts';
import { displayTable, quoteTable, type TableName } from './postgres/names.ts';
import { matchesTable } from './postgres/table-pattern.ts';
import { plainRule, type ColumnRule, type TableRule } from './postgres/table-rule.ts';

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
 * thing, a plain name goes before a pattern, and of patterns the later one. `known`: every table and partitioned table of the source.
 */
export function resolveRules(tables: TablesConfig, known: readonly Table[]): ResolvedRules {
  const problems: RestageError[] = [];
  const byTable = new Map<string, TableRule>();
  const skip = new Map<string, TableName>();
  const entries = Object.entries(tables);
  // What is said last goes before.
  const inOrder = [...entries.filter(([name]) => isPattern(name)), ...entries.filter(([name]) => !isPattern(name))];
  for (const table of known) {
    const own = [table.table, ...table.parents];
    const matching = inOrder.filter(([name]) => own.some((one) => matchesTable(one, name)));
    if (matching.length === 0) continue;
    const merged = mergeRules(matching.map(([, rule]) => rule));
    if (merged.rows === 'skip') skip.set(quoteTable(table.table), table.table);
    else byTable.set(quoteTable(table.table), forTable(merged, table));
  }
  // A partitioned table goes with its last part.
  const made = known.filter(({ table }) => !skip.has(quoteTable(table)));
  const needed = new Set(made.flatMap(({ table, parents }) => [table, ...parents]).map(quoteTable));
  for (const parent of known.flatMap(({ parents }) => parents))
    if (!needed.has(quoteTable(parent)) && isSkipped(parent, inOrder)) skip.set(quoteTable(parent), parent);
  for (const [name, rule] of entries) {
    const matched = known.filter(({ table, parents }) => [table, ...parents].some((one) => matchesTable(one, name)));
    if (matched.length === 0) problems.push(unknownTable(name, known));
    else problems.push(...unknownColumns(name, rule, matched));
  }
  return { byTable, skip: [...skip.values()], problems };
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

function isSkipped(table: TableName, inOrder: readonly (readonly [string, RuleConfig])[]): boolean {
  const matching = inOrder.filter(([name]) => matchesTable(table, name));
  return matching.length > 0 && mergeRules(matching.map(([, rule]) => rule)).rows === 'skip';
}

function mergeRules(
  rules: readonly RuleConfig[],
): RuleConfig & { readonly rows: NonNullable<RuleConfig['rows']>; readonly whole: boolean } {
  const whole = rules.reduce((one, other) => ({
    ...one,
    ...defined(other),
    set: { ...without(one.set, other.mask), ...other.set },
    mask: { ...without(one.mask, other.set), ...other.mask },
    rewrite: [...one.rewrite, ...other.rewrite],
    allow: [...new Set([...one.allow, ...other.allow])],
  }));
  return { ...whole, rows: whole.rows ?? (whole.keep ? 'merge' : 'copy'), whole: whole.rows === 'copy' };
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>; // fewer of the same
}

function without<T>(one: Readonly<Record<string, T>>, other: Readonly<Record<string, unknown>>): Record<string, T> {
  return Object.fromEntries(Object.entries(one).filter(([name]) => !Object.hasOwn(other, name)));
}

/** The rule as it is for one table: of patterns, only the columns that it has. */
function forTable(rule: ReturnType<typeof mergeRules>, { columns }: Table): TableRule {
  const has = (name: string) => columns.some((column) => column.name === name);
  const defaults = rule.carry?.default ?? {};
  const columnRules = [
    ...Object.entries({ ...rule.set, ...defaults }).map(([name, sql]): [string, ColumnRule] => [
      name,
      { kind: 'set', sql },
    ]),
    ...Object.entries(rule.mask).map(([name, mask]): [string, ColumnRule] => [name, { kind: 'mask', mask }]),
  ];
  return {
    ...plainRule,
    rows: rule.rows === 'skip' ? 'empty' : rule.rows,
    ...(rule.whole ? { whole: true } : {}),
    ...(rule.where === undefined ? {} : { where: rule.where }),
    ...(rule.keep === undefined ? {} : { ownWhere: rule.keep.where }),
    onCollision: rule.onCollision ?? 'fail',
    onOrphan: rule.onOrphan ?? 'fail',
    columns: Object.fromEntries(columnRules.filter(([name]) => has(name))),
    rewrite: rule.rewrite,
    ...(rule.carry === undefined ? {} : { carry: { match: [rule.carry.match].flat(), columns: rule.carry.columns } }),
    allow: rule.allow.filter(has),
  };
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
      const table = matched.length === 1 && matched[0] ? displayTable(matched[0].table) : `${matched.length} tables`;
      return new RestageError(
        'config-invalid',
        `${where}: ${table} ${matched.length === 1 ? 'has' : 'have'} no column ${column}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    if (changed.includes(column) && found.some(({ generated }) => generated))
      return new RestageError(
        'config-invalid',
        `${where}: ${column} is a generated column: the target's server makes its value`,
        { hint: 'Give the columns that it is made of a rule.' },
      );
    return [];
  });
}
