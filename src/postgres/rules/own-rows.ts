import { RestageError } from '../../errors.ts';
import type { ColumnCast } from './casts.ts';
import { rowsOf, type Table } from '../catalog.ts';
import { collisionError, guarded, meets, ownCollisionError, readGuards, type Guard, type Met } from './collisions.ts';
import { relayCopy } from '../copy-relay.ts';
import { displayTable, quoteName, quoteTable, quoteText } from '../names.ts';
import { ownRowsOf } from './plan-own.ts';
import { raiseSequences } from '../sequences.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession, Session } from '../session.ts';
import type { TableRule } from './table-rule.ts';

export interface KeptRows {
  /** Staging's, that the rule selects. */
  readonly read: number;
  /** Of them, those that are in the new table now. */
  readonly kept: number;
  /** The source's rows that made room. */
  readonly replaced: number;
}

interface KeepOptions {
  readonly rule: TableRule;
  readonly casts: readonly ColumnCast[];
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where staging's rows stand until it is known which of them stay: with the new table's columns, also those that the server makes. */
const own = 'pg_temp."restage own"';

/**
 * Brings staging's own rows of a table into the new database, whose indexes are in place, by the rule's `onCollision`; then
 * gathers its statistics. All of it or nothing: one transaction. `present` reads staging's present database, in a transaction.
 * Throws `rows-collide`, `rule-unfit` where a row does not fit, `statement-failed`, `database-lost`.
 */
export async function keepRows(
  present: ReadSession,
  writer: Session,
  table: Table,
  { rule, casts, ...relay }: KeepOptions,
): Promise<KeptRows> {
  const name = quoteTable(table.table);
  const fits = casts.filter(({ sql }) => sql !== undefined);
  const columns = fits.map(({ column }) => quoteName(column)).join(', ');
  const list = columns === '' ? '' : ` (${columns})`;
  const values = fits.map(({ column, sql }) => `${sql} as ${quoteName(column)}`).join(', ');
  const made = casts.filter(({ sql }) => sql === undefined).map(({ column }) => column);
  return await telling(table, async () => {
    await writer.execute('begin');
    // What a sequence gives them must be none that the source's rows have.
    if (made.length > 0) await raiseSequences(writer, [table.table]);
    await makeRoom(writer, table, made);
    // What the user wrote sees the schema public; then names of things are printed, and must be read, as seen from there.
    const [seen, hidden] =
      rule.ownWhere === undefined ? ['', ''] : [`set local search_path = public; `, `; set local search_path = ''`];
    const { rows: read } = await relayCopy(present, writer, {
      read: `savepoint reading; ${seen}copy (select ${values} from ${ownRowsOf(table, rule)}) to stdout; rollback to savepoint reading; release savepoint reading`,
      write: `${seen}copy ${own}${list} from stdin${hidden}`,
      ...relay,
    });
    const guards = rule.rows === 'merge' && read > 0 ? await readGuards(writer, table.table) : [];
    const met = guards.length === 0 ? { left: 0, replaced: 0 } : await settle(writer, table, rule, guards);
    const kept = read === 0 ? 0 : await insert(writer, table);
    await writer.execute(`set constraints all immediate; commit`);
    if (read > 0) await writer.execute(`analyze ${name}`);
    return { read, kept, replaced: met.replaced };
  });
}

/** The temporary table. Identity columns that staging lacks take their values from the new table's own sequence. */
async function makeRoom(writer: Session, { table, columns }: Table, made: readonly string[]): Promise<void> {
  const name = quoteTable(table);
  await writer.execute(
    `create temporary table "restage own" (like ${name} including defaults including generated) on commit drop`,
  );
  const missing = columns.filter((column) => made.includes(column.name));
  if (missing.length === 0) return;
  const sequences = await writer.rows<{ column: string; sequence: string }>(`
    select a.attname as column,
           pg_get_serial_sequence(coalesce(pg_partition_root(a.attrelid), a.attrelid)::regclass::text, a.attname) as sequence
      from pg_attribute a
     where a.attrelid = ${quoteText(name)}::regclass and a.attidentity <> ''`);
  for (const { column, sequence } of sequences)
    if (made.includes(column))
      await writer.execute(
        `alter table ${own} alter column ${quoteName(column)} set default nextval(${quoteText(sequence)}::regclass)`,
      );
}

/** Removes one of two rows that cannot both be there, as the rule says. */
async function settle(
  writer: Session,
  table: Table,
  { onCollision }: TableRule,
  guards: readonly Guard[],
): Promise<{ readonly left: number; readonly replaced: number }> {
  await writer.execute(`analyze ${own}`);
  const theirs = rowsOf(table);
  if (onCollision === 'fail') {
    const met: Met[] = [];
    for (const guard of guards) {
      const [row] = await writer.rows<{ count: string }>(
        `select count(*) as count from ${guarded(guard, own)} mine where ${meets(guard, theirs)}`,
      );
      if (Number(row?.count) > 0) met.push({ guard: guard.name, rows: Number(row?.count) });
    }
    if (met.length > 0) throw collisionError(table.table, met);
    return { left: 0, replaced: 0 };
  }
  const [loser, winner] = onCollision === 'source' ? [own, theirs] : [theirs, own];
  let removed = 0;
  for (const guard of guards)
    removed += await writer.execute(`
      delete from ${loser} loser
       using ${guarded(guard, loser)} mine
       where loser.ctid = mine.place and loser.tableoid = mine.part and ${meets(guard, winner)}`);
  return onCollision === 'source' ? { left: removed, replaced: 0 } : { left: 0, replaced: removed };
}

async function insert(writer: Session, { table, columns }: Table): Promise<number> {
  const names = columns.filter(({ generated }) => !generated).map(({ name }) => quoteName(name));
  const list = names.length === 0 ? '' : ` (${names.join(', ')})`;
  const overriding = names.length === 0 ? '' : ' overriding system value';
  return await writer.execute(
    `insert into ${quoteTable(table)}${list}${overriding} select ${names.join(', ')} from ${own}`,
  );
}

/** Says of the server's refusals what they mean here: rows that meet one another, rows that do not fit. */
async function telling<T>({ table }: Table, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const state = sqlState(error) ?? '';
    if (!(error instanceof RestageError) || error.code !== 'statement-failed') throw error;
    if (state === '23505' || state === '23P01') throw ownCollisionError(table, error.message);
    if (!/^2[23]|^42|^P0/.test(state)) throw error;
    // What a function says of itself may hold values of the row.
    const words = state.startsWith('P0') ? `a function raised an exception (SQLSTATE ${state})` : error.message;
    throw new RestageError(
      'rule-unfit',
      `${displayTable(table)}: rows of staging's own do not fit into the new database: ${words}`,
      {
        cause: error.cause,
        hint: `If staging's columns have changed since the plan, plan again. Else change those rows in staging, leave them out by keep: { where: … }, or give ${displayTable(table)} another rule in database.tables.`,
      },
    );
  }
}
