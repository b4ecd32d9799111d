import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { PostgresPackage } from '../demo/postgres-binaries.ts';
import { startPostgres } from '../demo/postgres-server.ts';
import { readTables, type Column, type Table } from '../src/postgres/catalog.ts';
import { maskSettings } from '../src/postgres/mask-key.ts';
import { maskSql } from '../src/postgres/masks/mask-sql.ts';
import { quoteName } from '../src/postgres/names.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { maskKind, type Mask } from '../src/postgres/rules/table-rule.ts';

/** A column of each of these types, called as its type. */
export const maskedTypes = [
  'text, varchar(1), varchar(8), varchar(14), varchar(17), varchar(23), varchar(40), varchar(300), char(3), char(40), name',
  'public.citext, public.mail, public.shout, text[], varchar(20)[], char(20)[], integer[], json, jsonb',
  'smallint, integer, bigint, public.cents, real, double precision, numeric, numeric(5,2), numeric(20), numeric(3,-2)',
  'date, timestamp, timestamp(0), timestamptz, boolean, uuid, inet, cidr, bytea, point',
].flatMap((line) => line.split(', '));

/** A server with a table of all those columns. */
export interface MaskedColumns extends AsyncDisposable {
  /** Opens a session with a key; it ends with the server. */
  session(key: string): Promise<Session>;
  readonly table: Table;
  column(type: string): Column;
}

export async function startMaskedColumns(name: PostgresPackage): Promise<MaskedColumns> {
  const server = await startPostgres({ package: name, folder: join(tmpdir(), `restage-masks-${randomUUID()}`) });
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const sessions: Session[] = [];
  const session = async (key: string) => {
    const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
    const opened = await openSession(
      { ...address, settings: maskSettings(key) },
      { access: 'read-write', label: 'masks' },
    );
    sessions.push(opened);
    return opened;
  };
  const maker = await session('a key');
  // Before PostgreSQL 15 a scale was never negative.
  const types = maskedTypes.map((type) => (name.endsWith('-14') ? type.replace('(3,-2)', '(3)') : type));
  const columns = types.map((type, index) => `${quoteName(maskedTypes[index] ?? '')} ${type}`);
  await maker.execute(`
    create extension citext schema public;
    create domain public.mail as varchar(40) check (value ~ '^([0-9a-f]{20}@example\\.com|[^@]*)$');
    create domain public.shout as public.citext;
    create domain public.cents as integer check (value >= 0);
    create table public.everything (id integer primary key, ${columns.join(', ')})`);
  const [table] = await readTables(maker);
  if (!table) throw new Error('there is no table');
  return {
    session,
    table,
    column: (type) => {
      const column = table.columns.find((one) => one.name === type);
      if (!column) throw new Error(`there is no column ${type}`);
      return column;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(sessions.map((one) => one[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A value as the server prints it, and what each mask makes of it. */
export interface MaskedRow {
  readonly value: string | null;
  readonly masked: readonly (string | null)[];
}

/**
 * What masks make of values of a column, all in one query. Asserts that all of it is of the column's type and fits it: what is
 * cut or rounded on its way into the column is found here. The rows have numbers from 1 in `id`, and `row 0` to `row 2` in
 * `text`.
 */
export async function maskValues(
  { table }: MaskedColumns,
  session: Session,
  column: Column,
  values: readonly (string | null)[],
  masks: readonly Mask[],
): Promise<readonly MaskedRow[]> {
  const made = masks.map((mask) => maskSql(mask, column, table));
  const hashes = Object.entries(Object.assign({}, ...made.map((one) => one.hashes)) as Record<string, string>); // all of theirs
  const name = quoteName(column.name);
  const list = (of: (one: string) => string) => made.map((_, index) => of(`m${index}`)).join(', ');
  const rows = await session.rows<{ value: string | null; masked: string; fits: string; types: string }>(
    `
    select ${printed(name)} as value,
           array_to_json(array[${list(printed)}]::text[]) as masked,
           array_to_json(array[${list((one) => `${printed(one)} is not distinct from ${printed(`${one}::${column.type}`)}`)}]) as fits,
           array_to_json(array[${list((one) => `pg_typeof(${one})::text`)}]) as types
      from (select *, ${made.map(({ sql }, index) => `${sql} as m${index}`).join(', ')}
              from (select * ${hashes.map(([hash, sql]) => `, ${sql} as ${quoteName(hash)}`).join('')}
                      from (select n::integer as id, v::${column.type} as ${name}
                                   ${column.name === 'text' ? '' : `, 'row ' || n % 3 as text`}
                              from unnest($1::text[]) with ordinality as u(v, n)) as "values" offset 0) as hashed offset 0) as masked
     order by id`,
    [values],
  );
  return rows.map((row) => {
    const fits = JSON.parse(row.fits) as boolean[]; // as built above
    const types = JSON.parse(row.types) as string[];
    for (const [index, mask] of masks.entries()) {
      const about = `${maskKind(mask)} on ${column.type} of ${String(row.value)}: ${row.masked}`;
      expect(fits[index], about).toBe(true);
      expect(types[index], about).toBe(column.base);
    }
    return { value: row.value, masked: JSON.parse(row.masked) as (string | null)[] };
  });
}

/** By the type's output function: a cast to text drops the blanks of a char. */
function printed(sql: string): string {
  return `case when ${sql} is not null then format('%s', ${sql}) end`;
}
