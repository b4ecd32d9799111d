import { type ClientBase, escapeIdentifier, escapeLiteral } from 'pg';
import { migrationsUpTo } from './migrations.ts';
import type { Row, TableRows } from './production-rows.ts';

/** Makes the schema of revision `head` in an empty database and fills it: as the owner, in one transaction. */
export async function loadDatabase(client: ClientBase, head: string, tables: readonly TableRows[]): Promise<void> {
  await client.query('BEGIN');
  for (const migration of migrationsUpTo(head)) await client.query(migration.sql);
  for (const { table, rows, sequence } of tables) {
    // A migration seeds one of the tables; the rows here are all that it shall have.
    await client.query(`DELETE FROM ${escapeIdentifier(table)}`);
    if (rows[0]) await client.query(insert(table, rows[0], rows));
    if (sequence !== undefined) await client.query(setSequence(table, sequence));
  }
  await client.query('COMMIT');
  await client.query('ANALYZE');
}

/** One statement a table: literals of unknown type take the column's, so the values stay as they are written. */
function insert(table: string, first: Row, rows: readonly Row[]): string {
  const columns = Object.keys(first);
  const tuples = rows.map((row) => `(${columns.map((column) => literal(row[column])).join(', ')})`);
  return `
    INSERT INTO ${escapeIdentifier(table)} (${columns.map(escapeIdentifier).join(', ')})
    OVERRIDING SYSTEM VALUE VALUES
    ${tuples.join(',\n')}
  `;
}

function literal(value: string | null | undefined): string {
  return value === null || value === undefined ? 'NULL' : escapeLiteral(value);
}

/** Every other sequence has not given out its value yet (`is_called` false), as after a restore: a copy keeps that. */
function setSequence(table: string, value: number): string {
  const isCalled = value % 2 === 0;
  return `SELECT setval(pg_get_serial_sequence(${escapeLiteral(table)}, 'id'), ${value}, ${isCalled})`;
}
