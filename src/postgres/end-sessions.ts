import { quoteText } from './names.ts';
import type { Session } from './session.ts';
import { mayEnd } from './target.ts';

/** Ends the sessions of others with these databases, as far as this role may. Returns how many. */
export async function endSessions(session: Session, ...databases: readonly string[]): Promise<number> {
  const ended = await session.rows(`
    select pg_terminate_backend(a.pid)
      from pg_stat_activity a
      join pg_roles r on r.oid = a.usesysid
      join pg_roles me on me.rolname = current_user
     where a.datname in (${databases.map(quoteText).join(', ')}) and a.pid <> pg_backend_pid() and ${mayEnd}`);
  return ended.length;
}
