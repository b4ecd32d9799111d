import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { ReadSession } from './session.ts';

/** A role of a server, as the session's role sees it. */
export interface Role {
  readonly superuser: boolean;
  /** Whether the session's role may act as this one, and so make it an owner. */
  readonly settable: boolean;
}

export interface Roles {
  /** The session's own. */
  readonly own: string;
  readonly byName: ReadonlyMap<string, Role>;
}

export async function readRoles(session: ReadSession): Promise<Roles> {
  // Since PostgreSQL 16 one may be a member of a role without being allowed to act as it.
  const how = Number.parseInt(session.origin.version, 10) >= 16 ? 'set' : 'member';
  const rows = await session.rows<{ name: string; superuser: string; settable: string; own: string }>(`
    select rolname as name, rolsuper::text as superuser, pg_has_role(oid, '${how}')::text as settable, current_user as own
      from pg_roles`);
  return {
    own: rows[0]?.own ?? session.origin.user,
    byName: new Map(
      rows.map(({ name, superuser, settable }) => [
        name,
        { superuser: superuser === 'true', settable: settable === 'true' },
      ]),
    ),
  };
}

/** Throws `config-invalid` where one of the names is no role of the server, with the role that may have been meant. */
export async function requireRoles(
  session: ReadSession,
  names: readonly string[],
  end: 'source' | 'target' = 'target',
): Promise<void> {
  if (names.length === 0) return;
  const { byName } = await readRoles(session);
  const { origin } = session;
  const unknown = [...new Set(names)].filter((name) => !byName.has(name));
  if (unknown.length === 0) return;
  const words = unknown.map((name) => {
    const near = nearest(name, [...byName.keys()]);
    return near === undefined ? name : `${name} (did you mean ${near}?)`;
  });
  throw new RestageError(
    'config-invalid',
    `${end === 'target' ? 'database.owner and database.grants name' : 'database.grants begins with'} roles that the ${end}'s server ${origin.host}:${origin.port} does not have: ${words.join(', ')}`,
    {
      hint:
        end === 'target'
          ? 'They name roles of the target; create them there, or correct the name.'
          : "In database.grants a role of the source comes first, and the target's that stands for it second.",
    },
  );
}
