import { RestageError } from '../../errors.ts';
import type { Table } from '../catalog.ts';
import { plainName } from '../empty-tables.ts';
import { displayTable, type TableName } from '../names.ts';
import { maskKind, type ColumnRule, type TableRule } from './table-rule.ts';

/** The table as its rule names it: the whole one, where it is a partition. */
export type NameOf = (table: Table) => TableName;

/** A rule that cannot work, and of what: of partitions each says the same. */
export interface Unfit {
  readonly about: string;
  readonly error: RestageError;
}

export function unfit(table: TableName, about: string, message: string, hint: string, cause?: unknown): Unfit {
  const error = new RestageError('rule-unfit', message, { hint, cause });
  return { about: `${displayTable(table)} ${about}`, error };
}

/** users.email */
export function calledColumn(table: TableName, column: string): string {
  return `${displayTable(table)}.${column}`;
}

/** the mask email of users.email, set */
export function ruleWords(rule: TableRule, column: string): string {
  const own = Object.hasOwn(rule.columns, column) ? rule.columns[column] : undefined;
  if (own === undefined) return 'rewrite';
  if (own.kind === 'set') return rule.carry?.columns.includes(column) ? 'carry.default' : 'set';
  return `the mask ${maskKind(own.mask)}${own.by === undefined ? '' : ` of ${own.by}`}`;
}

/** Where in restage.yaml the rule of a column stands. */
export function settingOf(table: TableName, rule: TableRule, column: string): string {
  const own: ColumnRule | undefined = Object.hasOwn(rule.columns, column) ? rule.columns[column] : undefined;
  const of = `database.tables.${plainName(table)}`;
  if (own === undefined) return `${of}.rewrite`;
  if (own.kind === 'mask') return own.by === undefined ? `${of}.mask.${column}` : `the mask of ${own.by}`;
  return rule.carry?.columns.includes(column) ? `${of}.carry.default.${column}` : `${of}.set.${column}`;
}
