import { DatabaseError } from 'pg';
import { RestageError } from '../../errors.ts';
import type { TableName } from '../names.ts';
import { adviceFor, sqlState } from '../session-error.ts';
import type { Session } from '../session.ts';

/** Statements that the config has run on the new database. */
export interface AfterLoad {
  /** The file's name, or `afterLoad 1`. */
  readonly name: string;
  readonly sql: string;
}

export interface ChangedTable {
  readonly table: TableName;
  /** Of a partition: the table that it is a part of, the topmost. */
  readonly root?: TableName;
  /** Inserted, updated and deleted; of a table that was emptied or dropped, what it held by the server's estimate. */
  readonly rows: number;
}

export interface AfterLoadResult {
  /** Of each statement. */
  readonly counts: readonly number[];
  readonly changed: readonly ChangedTable[];
}

/** What keeps the statements behind it from being run: the server has read them all by then. */
const stops = { sql: `do $$ begin raise exception using errcode = 'RS000'; end $$;`, state: 'RS000' };

/**
 * Has the server read the statements, in a transaction of the session, and run none of them: `rule-unfit` where they are no
 * SQL, with the line. Whether there are such tables and columns only the new database knows.
 */
export async function proveStatements(session: Session, entry: AfterLoad): Promise<RestageError | undefined> {
  await session.execute('savepoint parsing');
  try {
    await session.execute(`${stops.sql}${entry.sql}`);
  } catch (error) {
    if (sqlState(error) === stops.state) return undefined;
    const told = failed({ ...entry, sql: `${stops.sql}${entry.sql}` }, error, session);
    if (!(told instanceof RestageError) || sqlState(error) === undefined) throw told;
    return new RestageError('rule-unfit', told.message, { cause: told.cause, hint: told.hint });
  } finally {
    await session.execute('rollback to savepoint parsing; release savepoint parsing').catch(() => {});
  }
  return undefined;
}

/**
 * Runs statements in one transaction, with search_path = public. The session is not fit for anything else afterwards.
 * Throws `statement-failed` with the entry's name and the line; nothing of it stays then.
 */
export async function runAfterLoad(session: Session, entry: AfterLoad): Promise<AfterLoadResult> {
  // The loading's settings are for what pg_dump wrote; a function that a person wrote is to be looked at.
  await session.execute('set search_path = public; set check_function_bodies = on');
  await session.execute('begin'); // by itself: a ROLLBACK would take back what was set in the same message
  const transaction = await transactionOf(session);
  const before = await readStates(session);
  const counts = await session.executeEach(entry.sql).catch((error: unknown) => {
    throw failed(entry, error, session);
  });
  if ((await transactionOf(session)) !== transaction)
    throw new RestageError('statement-failed', `${entry.name} ends its transaction, by COMMIT or ROLLBACK`, {
      hint: 'Each entry of database.afterLoad is one transaction, which restage begins and ends: take begin, commit and rollback out of it.',
    });
  await session.execute(`set search_path = ''`); // whatever it has become
  const changed = changes(before, await readStates(session));
  await session.execute('commit').catch((error: unknown) => {
    throw failed(entry, error, session); // a key that is checked at the end only
  });
  return { counts, changed };
}

async function transactionOf(session: Session): Promise<string> {
  const [row] = await session.rows<{ id: string }>('select pg_catalog.pg_current_xact_id()::pg_catalog.text as id');
  return String(row?.id);
}

interface State {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly rootschema: string | null;
  readonly root: string | null;
  /** The file that it lies in, which TRUNCATE changes, and its columns. */
  readonly shape: string;
  readonly estimate: string;
  readonly touched: string;
}

/** Tables as they are at this point of the transaction; `touched` counts what the session has done, this transaction's too. */
async function readStates(session: Session): Promise<readonly State[]> {
  return session.rows<State>(`
    select c.oid, n.nspname as schema, c.relname as name,
           case when c.relispartition then rn.nspname end as rootschema,
           case when c.relispartition then r.relname end as root,
           pg_catalog.concat_ws(' ', c.relfilenode, (
             select pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.atttypid, a.atttypmod, a.attname), ',' order by a.attnum))
               from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as shape,
           greatest(c.reltuples, 0) as estimate,
           pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
             + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) as touched
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_class r on r.oid = pg_catalog.pg_partition_root(c.oid)
      left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't'
       and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
     order by 2, 3`);
}

function changes(before: readonly State[], after: readonly State[]): ChangedTable[] {
  const then = new Map(before.map((state) => [state.oid, state]));
  const now = new Map(after.map((state) => [state.oid, state]));
  const told = ({ schema, name, rootschema, root }: State, rows: number): ChangedTable => ({
    table: { schema, name },
    ...(root === null || rootschema === null ? {} : { root: { schema: rootschema, name: root } }),
    rows,
  });
  return [
    ...before.flatMap((was) => {
      const is = now.get(was.oid);
      if (!is) return told(was, Number(was.estimate));
      const touched = Number(is.touched) - Number(was.touched);
      const isOther = is.shape !== was.shape || is.name !== was.name || is.schema !== was.schema;
      if (touched <= 0 && !isOther) return [];
      const emptied = is.shape.split(' ', 1)[0] !== was.shape.split(' ', 1)[0];
      return told(was, Math.max(touched, emptied ? Number(was.estimate) : 0));
    }),
    ...after.filter((is) => !then.has(is.oid)).map((is) => told(is, Number(is.touched))),
  ];
}

/** The failure with the entry, and the line of it where the server says where. */
function failed(entry: AfterLoad, error: unknown, { origin }: Session): unknown {
  if (!(error instanceof RestageError) || error.code !== 'statement-failed') return error;
  const { cause } = error;
  if (!(cause instanceof DatabaseError)) return error;
  const line = cause.position === undefined ? '' : `, line ${lineAt(entry.sql, Number(cause.position))}`;
  const { database, host, port } = origin;
  const words = error.message.replace(`${database} at ${host}:${port}: `, '');
  return new RestageError('statement-failed', `${entry.name}${line}, at ${database} at ${host}:${port}: ${words}`, {
    cause,
    hint:
      hintFor(cause) ??
      adviceFor(cause) ??
      cause.hint ??
      'Correct it under database.afterLoad in restage.yaml, or in its file.',
  });
}

/** The server counts characters, from 1. */
function lineAt(sql: string, position: number): number {
  return (
    Array.from(sql)
      .slice(0, position - 1)
      .filter((character) => character === '\n').length + 1
  );
}

function hintFor({ code, message }: DatabaseError): string | undefined {
  if (code === '25001')
    return 'Each entry of database.afterLoad is one transaction, and this statement cannot run in any: leave it out; an index can be made without CONCURRENTLY, as nobody reads the new database yet.';
  if (code === '57014' && /COPY from stdin/.test(message))
    return 'There is nothing to copy from: insert the rows by INSERT.';
  if (code === '42601' && /"\\/.test(message))
    return 'It is given to the server as it is: commands of psql (\\…) are not SQL.';
  return undefined;
}
