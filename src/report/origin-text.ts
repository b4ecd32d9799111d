import type { Origin } from '../postgres/session.ts';

/** bluemoxon at host:5432 as user, PostgreSQL 16.14 */
export function originText(origin: Origin): string {
  return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}, PostgreSQL ${origin.version}`;
}
