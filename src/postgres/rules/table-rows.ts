import { rowsOf, type Column, type Table } from '../catalog.ts';
import { castTo } from './column-cast.ts';
import { maskSql, usesUserSql } from '../masks/mask-sql.ts';
import { quoteName } from '../names.ts';
import { isRewritten, rewriteSql } from './rewrite.ts';
import { limitsRows, type ColumnRule, type TableRule } from './table-rule.ts';

/** Whether the rule has some values otherwise than the source. */
export function changesValues({ columns }: Pick<Table, 'columns'>, rule: TableRule | undefined): boolean {
  return rule !== undefined && columns.some((column) => !column.generated && isRuled(column, rule));
}

/** Whether the rows that are copied are others than those that are there, so that they cannot be copied as they are. */
export function changesRows(table: Pick<Table, 'columns'>, rule: TableRule | undefined): boolean {
  return limitsRows(rule) || changesValues(table, rule);
}

/** The columns that are copied: of the others the target's server makes the values. */
export function copiedColumns({ columns }: Pick<Table, 'columns'>): readonly Column[] {
  return columns.filter(({ generated }) => !generated);
}

/** The columns in which both ends must be alike: what is generated from other values is other values. */
export function comparedColumns(table: Pick<Table, 'columns'>, rule: TableRule | undefined): readonly Column[] {
  return changesValues(table, rule) ? copiedColumns(table) : table.columns;
}

function isRuled(column: Column, rule: TableRule): boolean {
  return Object.hasOwn(rule.columns, column.name) || (rule.rewrite.length > 0 && isRewritten(column));
}

/** Whether SQL of the user's stands in the rule: it sees the schema public. */
export function hasUserSql({ where, columns }: TableRule): boolean {
  return (
    where !== undefined ||
    Object.values(columns).some((one) => one.kind === 'set' || (one.kind === 'mask' && usesUserSql(one.mask)))
  );
}

// What gives another value in each row, or for each part of a table: PostgreSQL's own, and those of uuid-ossp and pgcrypto.
const otherEachRow =
  /\b(random|random_normal|gen_random_uuid|uuidv[47]|uuid_generate_v\w+|clock_timestamp|timeofday|gen_salt|gen_random_bytes|over)\b/i;
const otherEachTime =
  /\b(now|current_timestamp|current_date|current_time|localtime|localtimestamp|transaction_timestamp|statement_timestamp)\b/i;

/** Whether SQL of the rule gives the same when it is evaluated again, in one transaction. */
export function isRepeatable({ where, columns }: TableRule): boolean {
  return [where ?? '', ...Object.values(columns).map(sqlOf)].every((sql) => !otherEachRow.test(sql));
}

/** Whether it selects the same rows when it is evaluated again. What it says of the time is meant so. */
export function isRepeatableWhere({ where }: TableRule): boolean {
  return where === undefined || !otherEachRow.test(where);
}

/** Whether a column has the same values when the rule is evaluated again, some other day. */
export function isLasting(column: Column, { columns }: TableRule): boolean {
  const one = Object.hasOwn(columns, column.name) ? columns[column.name] : undefined;
  const sql = one ? sqlOf(one) : '';
  return !otherEachRow.test(sql) && !otherEachTime.test(sql);
}

/** The user's SQL in it, if there is any. */
function sqlOf(one: ColumnRule): string {
  if (one.kind === 'set') return one.sql;
  return usesUserSql(one.mask) ? JSON.stringify(one.mask) : '';
}

/**
 * The rows of a table as its rule has them: one SELECT with every copied column under its own name, in the column's type. The
 * `condition` is of ours and holds beside the rule's and the extension's own. SQL of the rule is the user's: it may stand in a
 * message of several statements only when it has been sent as one, see `requireOneSelect`.
 */
export function selectRows(table: Table, rule: TableRule | undefined, condition?: string): string {
  const where = conditionOf(table, rule, condition);
  const inner: string[] = [];
  /** Makes a column of the inner SELECT, where there is one. */
  const hashes = new Map<string, string>();
  const values = copiedColumns(table).map((column) => {
    const one = rule && Object.hasOwn(rule.columns, column.name) ? rule.columns[column.name] : undefined;
    const name = quoteName(column.name);
    const own = (sql: string) => ({ name, sql, isOfUser: false });
    if (one?.kind === 'set') return { name, sql: userValue(column, one.sql, 'ctid'), isOfUser: true };
    if (one?.kind === 'mask') {
      if (typeof one.mask === 'object' && 'sql' in one.mask)
        return { name, sql: userValue(column, one.mask.sql, name), isOfUser: true };
      const masked = maskSql(one.mask, column, table);
      for (const [hash, sql] of Object.entries(masked.hashes)) hashes.set(hash, sql);
      return own(castTo(column, masked.sql));
    }
    return own(rule && isRuled(column, rule) ? rewriteSql(column, rule.rewrite) : name);
  });
  const list = (some: readonly { readonly name: string; readonly sql: string }[]) =>
    some.map(({ name, sql }) => (sql === name ? name : `${sql} as ${name}`)).join(', ');
  if (hashes.size === 0) return `select ${list(values)} from ${rowsOf(table)}${where}`;
  // Each hash is computed once a row, however often it is used: nothing is moved across `offset`. The user's SQL stands
  // where the table's own columns are all there is.
  for (const [name, sql] of hashes) inner.push(`${sql} as ${quoteName(name)}`);
  const outer = values.map((value, index) => {
    if (!value.isOfUser) return value;
    const name = quoteName(`restage set ${index}`);
    inner.push(`${value.sql} as ${name}`);
    return { name: value.name, sql: name };
  });
  return `select ${list(outer)} from (select *, ${inner.join(', ')} from ${rowsOf(table)}${where} offset 0) as "t"`;
}

/** The rule's, the extension's and a further condition together, as ` where …`; empty without any. */
export function conditionOf(
  { condition }: Pick<Table, 'condition'>,
  rule: TableRule | undefined,
  further?: string,
): string {
  if (rule?.where === undefined) {
    if (further === undefined) return condition === undefined ? '' : ` ${condition}`;
    if (condition === undefined) return ` where ${further}`;
  }
  const all = [condition?.replace(/^\s*where\b/i, ''), rule?.where, further].filter((one) => one !== undefined);
  return ` where ${all.map((one) => `(${one}\n)`).join(' and ')}`; // a comment ends with its line
}

/**
 * A value of the user's SQL, null where that column of the row is. It names a column of the row that is in no aggregate: one
 * in the SQL is refused then, and cannot make one row of many; as is, in a CASE, what gives more rows than one.
 */
function userValue(column: Column, sql: string, unless: string): string {
  return `case when ${unless} is distinct from null then ${castTo(column, sql)} end`;
}
