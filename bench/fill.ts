import type { PostgresServer } from '../demo/postgres-server.ts';
import { openSession, query } from '../test/sql.ts';

/** A table, and the rows that are in it: each column's value is an expression of `i`, the row's number from 1. */
export interface Filled {
  readonly name: string;
  readonly rows: number;
  /** Name, type and the like, and value: `['id', 'bigint', 'i']` */
  readonly columns: readonly (readonly [name: string, type: string, value: string])[];
  /** As after `on table`: `(customer_id)`, `using gin (tags)`; unique ones with `unique` in front. */
  readonly indexes?: readonly string[];
  /** The columns and the table each refers to. */
  readonly references?: Readonly<Record<string, string>>;
}

/** A number from 0 that looks random and is the same every time. */
export function hash(salt: number): string {
  return `(hashint8extended(i, ${salt}) & 9223372036854775807)`;
}

/** One of the words. */
export function oneOf(salt: number, words: readonly string[]): string {
  return `(array['${words.join("','")}'])[1 + ${hash(salt)} % ${words.length}]`;
}

/** Makes the database `production` with these tables, keys, indexes and statistics. */
export async function fill(server: PostgresServer, tables: readonly Filled[]): Promise<void> {
  await query(server.adminUrl(), `create database production`);
  const url = server.adminUrl('production');
  for (const table of tables) await query(url, creation(table));
  // Longest first, as many at once as there are cores on a small machine.
  const longest = tables.toSorted((a, b) => b.rows * b.columns.length - a.rows * a.columns.length);
  await sideBySide(url, longest.map(insertion));
  await sideBySide(url, longest.map(indexes));
  // One after the other: they lock the tables they refer to.
  for (const table of tables) await query(url, keys(table));
  await query(url, `vacuum (analyze)`);
}

function creation({ name, columns }: Filled): string {
  return `create table ${name} (${columns.map(([column, type]) => `${column} ${type}`).join(', ')})`;
}

function insertion({ name, rows, columns }: Filled): string {
  return `insert into ${name} select ${columns.map(([, , value]) => value).join(', ')} from generate_series(1::bigint, ${rows}) i`;
}

function indexes({ name, indexes: wanted = [] }: Filled): string {
  const made = wanted.map((index, number) => {
    const unique = index.startsWith('unique ');
    return `create ${unique ? 'unique ' : ''}index ${name}_${number + 1} on ${name} ${index.replace(/^unique /, '')}`;
  });
  return [`alter table ${name} add primary key (id)`, ...made].join('; ');
}

function keys({ name, references = {} }: Filled): string {
  return Object.entries(references)
    .map(([column, other]) => `alter table ${name} add foreign key (${column}) references ${other}`)
    .join('; ');
}

async function sideBySide(url: string, statements: readonly string[]): Promise<void> {
  const waiting = statements.values();
  const work = async () => {
    await using session = await openSession(url);
    await session.query(`
      set synchronous_commit = off;
      set maintenance_work_mem = '512MB';
      set max_parallel_maintenance_workers = 0`);
    for (const statement of waiting) await session.query(statement);
  };
  await Promise.all([work(), work()]);
}
