import { DatabaseError } from 'pg';
import { RestageError } from '../../errors.ts';
import { collisionError, refusedByIndex } from './carry-collision.ts';
import type { ColumnCast } from './casts.ts';
import { rowsOf, type Column, type Table } from '../catalog.ts';
import { relayCopy } from '../copy-relay.ts';
import { displayTable, quoteName, quoteTable, quoteText } from '../names.ts';
import type { ReadSession, Session } from '../session.ts';
import { plainRule, type Carry, type TableRule } from './table-rule.ts';
import { changesValues, selectRows } from './table-rows.ts';

/** What carries, from where to where. */
export interface Carrying {
  /** The new database's table, with its rows and indexes, and neither triggers nor foreign keys yet. */
  readonly table: Table;
  readonly rule: TableRule & { readonly carry: Carry };
  /** How staging's columns become the new table's, where they differ. */
  readonly casts: readonly ColumnCast[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts staging's present values into the new table's rows that staging has too. A row of staging is the same where the matching
 * columns are equal to it as they are, or after its rule: as masked rows are to real ones. What matches as it is goes before.
 * `own` reads staging's present database, in a transaction.
 * Returns how many rows the table has, and how many of them staging has.
 * Throws `rows-collide` where a row has several different values in staging, or the values cannot stand beside each other;
 * `rule-unfit` where staging has not got the columns.
 */
export async function carryValues(
  own: ReadSession,
  incoming: Session,
  carrying: Carrying,
): Promise<{ readonly rows: number; readonly carried: number }> {
  const { table } = carrying;
  const present = await columnsOfOwn(own, carrying);
  const [counted] = await incoming.rows<{ rows: string }>(`select count(*) as rows from ${rowsOf(table)}`);
  const rows = Number(counted?.rows);
  if (!present) return { rows, carried: 0 };
  await incoming.execute('begin');
  try {
    await incoming.execute(`set local search_path = ${await searchPath(incoming, carrying)}`);
    await bringOwn(own, incoming, carrying, present);
    await findRows(incoming, carrying);
    const carried = await requireOneValue(incoming, carrying);
    await ((await mustReplace(incoming, carrying)) ? replaceRows : updateRows)(incoming, carrying);
    await incoming.execute('commit');
    return { rows, carried };
  } catch (error) {
    throw told(error, carrying);
  }
}

// Tables of the transaction; with the blank, nobody's.
const ownRows = '"pg_temp"."restage own"';
const ruledRows = '"pg_temp"."restage ruled"';
const foundRows = '"pg_temp"."restage found"';
const newRows = '"pg_temp"."restage new"';
const rowNumber: Column = {
  name: 'restage row',
  type: 'bigint',
  base: 'bigint',
  nature: 'exact',
  generated: false,
  required: true,
};

/** cognito_sub by email */
function words({ carry }: Carrying['rule']): string {
  return `${carry.columns.join(', ')} by ${carry.match.join(', ')}`;
}

/** The columns that staging's table has; undefined where it has no such table. */
async function columnsOfOwn(own: ReadSession, { table, rule }: Carrying): Promise<ReadonlySet<string> | undefined> {
  const rows = await own.rows<{ name: string }>(`
    select a.attname as name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${quoteText(table.table.schema)} and c.relname = ${quoteText(table.table.name)}
       and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`);
  if (rows.length === 0) return undefined;
  const names = new Set(rows.map(({ name }) => name));
  const missing = [...rule.carry.match, ...rule.carry.columns].filter((name) => !names.has(name));
  if (missing.length === 0) return names;
  const { database, host, port } = own.origin;
  throw new RestageError(
    'rule-unfit',
    `${displayTable(table.table)} of ${database} at ${host}:${port} has no column ${missing.join(', ')} to carry ${words(rule)}`,
    {
      hint: `carry of database.tables.${displayTable(table.table)} in restage.yaml takes values that staging has: name columns that are there.`,
    },
  );
}

/** The schema public for SQL of the user's, and those of the matched types: their operators are there, such as citext's. */
async function searchPath(incoming: Session, { table, rule }: Carrying): Promise<string> {
  const rows = await incoming.rows<{ name: string }>(`
    select distinct n.nspname as name
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_type b on b.oid = t.typbasetype
      join pg_namespace n on n.oid in (t.typnamespace, b.typnamespace)
     where a.attrelid = ${quoteText(quoteTable(table.table))}::regclass and a.attname in (${list(rule.carry.match.map(quoteText))})`);
  const schemas = ['public', ...rows.map(({ name }) => name)].filter((name) => name !== 'pg_catalog');
  return list([...new Set(schemas)].map(quoteName));
}

/** Staging's rows, as far as they are needed, in the new table's types; and the matching columns of each after their rule. */
async function bringOwn(
  own: ReadSession,
  incoming: Session,
  carrying: Carrying,
  present: ReadonlySet<string>,
): Promise<void> {
  const { table, rule, casts, signal } = carrying;
  const brought = table.columns.filter(({ name }) => present.has(name) && isNeeded(name, carrying));
  const names = list(brought.map(({ name }) => quoteName(name)));
  const castOf = (name: string) => casts.find(({ column }) => column === name)?.sql ?? quoteName(name);
  await incoming.execute(`
    create temporary table "restage own" on commit drop as select ${names} from only ${quoteTable(table.table)} with no data;
    alter table ${ownRows} add ${quoteName(rowNumber.name)} bigint generated always as identity`);
  await relayCopy(own, incoming, {
    read: `savepoint reading; set local search_path = public; copy (select ${list(brought.map(({ name }) => `${castOf(name)} as ${quoteName(name)}`))} from ${rowsOf(table)}) to stdout; rollback to savepoint reading; release savepoint reading`,
    write: `copy ${ownRows} (${names}) from stdin`,
    signal,
  });
  if (!isRuled(carrying)) return;
  const { condition: _ofExtension, ...rest } = table;
  const here = { schema: 'pg_temp', name: 'restage own' };
  const ruled = selectRows(
    { ...rest, table: here, columns: [rowNumber, ...brought.map(asOrdinary)] },
    { ...plainRule, columns: ofMatch(rule), rewrite: rule.rewrite },
  );
  await incoming.execute(`create temporary table "restage ruled" on commit drop as ${ruled}`);
}

/** Which columns of staging the expressions see: those of the masks that are ours are known, SQL may name any. */
function isNeeded(name: string, { table, rule }: Carrying): boolean {
  const { match, columns } = rule.carry;
  if (match.includes(name) || columns.includes(name)) return true;
  return Object.values(ofMatch(rule)).some((one) => {
    if (one.kind === 'set') return true;
    if (typeof one.mask === 'string') return false;
    if ('date' in one.mask)
      return one.mask.date.by === undefined ? table.primaryKey.includes(name) : one.mask.date.by === name;
    return 'sql' in one.mask || 'json' in one.mask;
  });
}

function ofMatch({ columns, carry }: Carrying['rule']): TableRule['columns'] {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => carry.match.includes(name)));
}

/** A column that is generated in both tables is one like any other between them. */
function asOrdinary(column: Column): Column {
  return { ...column, generated: false };
}

/** Whether the rows of staging may be known by other values than their own. */
function isRuled({ table, rule }: Carrying): boolean {
  return changesValues({ columns: table.columns.filter(({ name }) => rule.carry.match.includes(name)) }, rule);
}

/** Which row of the table has which row of staging, and how many different values those that match as well have. */
async function findRows(incoming: Session, carrying: Carrying): Promise<void> {
  const { table, rule } = carrying;
  const row = quoteName(rowNumber.name);
  const keys = rule.carry.match.map((name, index) => ({ name: quoteName(name), key: `"key ${index}"` }));
  // A row of staging stands here once for each mixture of real and ruled values; nothing is equal to a null.
  const forms = keys.map(({ name, key }) =>
    isRuled(carrying)
      ? `cross join lateral (values (0, o.${name}), (1, r.${name})) as ${key} (distance, value)`
      : `cross join lateral (values (0, o.${name})) as ${key} (distance, value)`,
  );
  await incoming.execute(`
    create temporary table "restage found" on commit drop as
    select relation, place, min(own) as own, count(distinct carried) as "values"
      from (
        select t.tableoid as relation, t.ctid as place, o.${row} as own, ${texts('o', rule)} as carried,
               ${keys.map(({ key }) => `${key}.distance`).join(' + ')} as distance,
               min(${keys.map(({ key }) => `${key}.distance`).join(' + ')}) over (partition by t.tableoid, t.ctid) as least
          from ${ownRows} as o
          ${isRuled(carrying) ? `join ${ruledRows} as r on r.${row} = o.${row}` : ''}
          ${forms.join('\n          ')}
          join ${rowsOf(table)} as t on ${keys.map(({ name, key }) => `t.${name} = ${key}.value`).join(' and ')}) as matched
     where distance = least
     group by relation, place`);
}

/** The carried values as an array of texts, in which two nulls are equal. */
function texts(alias: string, { carry }: Carrying['rule']): string {
  const values = carry.columns.map((name) => `${alias}.${quoteName(name)}`);
  return `array[${list(values.map((value) => `case when ${value} is distinct from null then format('%s', ${value}) end`))}]`;
}

/** How many rows were found. */
async function requireOneValue(incoming: Session, { table, rule }: Carrying): Promise<number> {
  const [found] = await incoming.rows<{ rows: string; several: string }>(
    `select count(*) as rows, count(*) filter (where "values" > 1) as several from ${foundRows}`,
  );
  const several = Number(found?.several);
  if (several === 0) return Number(found?.rows);
  throw new RestageError(
    'rows-collide',
    `${displayTable(table.table)}: ${several} ${several === 1 ? 'row has' : 'rows have'} more than one row in staging with the same ${rule.carry.match.join(', ')}, and different values of ${rule.carry.columns.join(', ')}`,
    {
      hint: `carry.match of database.tables.${displayTable(table.table)} in restage.yaml must name columns that tell staging's rows apart.`,
    },
  );
}

const fromFound = (rule: Carrying['rule']) =>
  `${foundRows} as f join ${ownRows} as o on o.${quoteName(rowNumber.name)} = f.own
     where t.tableoid = f.relation and t.ctid = f.place and ${texts('t', rule)} <> ${texts('o', rule)}`;

async function updateRows(incoming: Session, { table, rule }: Carrying): Promise<void> {
  const values = rule.carry.columns.map(quoteName).map((name) => `${name} = o.${name}`);
  await incoming.execute(`update ${rowsOf(table)} as t set ${list(values)} from ${fromFound(rule)}`);
}

/**
 * Whether rows must go and come again instead of being updated: an index would refuse a value that another row has until it is
 * updated too, and a value that the server gives itself cannot be updated at all.
 */
async function mustReplace(incoming: Session, { table, rule }: Carrying): Promise<boolean> {
  if (table.columns.some(({ name, identityAlways }) => identityAlways && rule.carry.columns.includes(name)))
    return true;
  const rows = await incoming.rows(`
    select from pg_index i
     where i.indrelid = ${quoteText(quoteTable(table.table))}::regclass and (i.indisunique or i.indisexclusion)
       and (i.indexprs is not null or i.indpred is not null or exists (
         select from pg_attribute a
          where a.attrelid = i.indrelid and a.attnum = any (i.indkey) and a.attname in (${list(rule.carry.columns.map(quoteText))})))
     limit 1`);
  return rows.length > 0;
}

/** All that change go, then all come: so values may change places. Nothing refers to them yet, and no trigger sees it. */
async function replaceRows(incoming: Session, carrying: Carrying): Promise<void> {
  const { table, rule } = carrying;
  const copied = table.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const names = list(copied.map(quoteName));
  const values = copied.map((name) => `${rule.carry.columns.includes(name) ? 'o' : 't'}.${quoteName(name)}`);
  await incoming.execute(`
    create temporary table "restage new" on commit drop as
      select ${list(values)}, t.tableoid as "restage relation", t.ctid as "restage place"
        from ${rowsOf(table)} as t, ${fromFound(rule)};
    delete from ${rowsOf(table)} as t using ${newRows} as n where t.tableoid = n."restage relation" and t.ctid = n."restage place";
    savepoint replaced`);
  try {
    await incoming.execute(
      `insert into ${quoteTable(table.table)} (${names}) overriding system value select ${names} from ${newRows}`,
    );
  } catch (error) {
    const cause = refusedByIndex(error);
    if (!cause) throw error;
    await incoming.execute('rollback to savepoint replaced');
    throw await collisionError(incoming, carrying, { newRows, cause });
  }
}

/** The failure with what it was done for. */
function told(error: unknown, { table, rule }: Carrying): unknown {
  if (!(error instanceof RestageError) || !(error.cause instanceof DatabaseError) || error.code === 'rows-collide')
    return error;
  const hint =
    error.cause.code === '42883'
      ? `carry.match of database.tables.${displayTable(table.table)} must name columns whose type knows equality.`
      : (error.cause.hint ?? undefined);
  return new RestageError(error.code, `${displayTable(table.table)}, carrying ${words(rule)}: ${error.message}`, {
    cause: error.cause,
    hint,
  });
}

function list(parts: readonly string[]): string {
  return parts.join(', ');
}
