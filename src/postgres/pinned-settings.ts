import type { Client } from 'pg';
import { serverKeepAlive, type ServerProcess } from './vanished.ts';

/**
 * What makes both ends print and hash every value alike, whatever the role or database has set; and no surprise from
 * search_path, row security that hides rows, or a time-out that somebody set for the application.
 */
const pinned = {
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmloption: 'content',
  lc_monetary: 'C',
  standard_conforming_strings: 'on',
  row_security: 'off',
  default_transaction_isolation: 'read committed', // what is asked for under a lock must be seen as it is then
  default_transaction_deferrable: 'off',
  jit: 'off',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  lock_timeout: '30s',
};

/** What a server says of itself. */
export interface Server extends ServerProcess {
  readonly version: string;
  readonly standby: string;
}

/** Pins the session's settings, and asks the server about itself. Throws what the driver does. */
export async function pin(client: Client, access: 'read-only' | 'read-write'): Promise<Server> {
  const own =
    access === 'read-only'
      ? // What a function of somebody's raises beside an error may hold values of rows: nobody reads it, and it is not sent.
        { default_transaction_read_only: 'on', client_min_messages: 'error' }
      : { default_transaction_read_only: 'off', synchronous_commit: 'off' };
  // By itself, before the rest: until then whatever the database has set holds, and statements sent together share it.
  await client.query(`set statement_timeout = 0`);
  const set = Object.entries({ ...pinned, ...serverKeepAlive, ...own }).map(
    ([name, value]) => `set ${name} = '${value}'`,
  );
  await client.query(set.join('; '));
  const { rows } = await client.query<Server>(`
    select current_setting('server_version') as version, pg_is_in_recovery()::text as standby,
           pg_backend_pid() as pid, pg_postmaster_start_time()::text as started,
           case when current_setting('server_version_num')::int >= 170000
                then set_config('transaction_timeout', '0', false) end,
           -- So that a statement ends whose client has gone: from 14 on, and surely where the server runs on Linux.
           case when current_setting('server_version_num')::int >= 140000 and version() ~ 'linux'
                then set_config('client_connection_check_interval', '2s', false) end`);
  return rows[0] ?? { version: '', standby: 'false', pid: '', started: '' };
}
