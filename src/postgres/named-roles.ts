import { RestageError } from '../errors.ts';
import { ofTheUser } from './carried-relations.ts';
import { displayTable, printedName, quoteName, unquote } from './names.ts';
import type { Roles } from './roles.ts';
import type { SchemaEntry } from './schema-entries.ts';
import type { ReadSession } from './session.ts';
import { someOf } from './some-of.ts';

/** The roles that a database's objects name themselves; owners and grants are no part of them. */
export interface NamedRoles {
  readonly policies: readonly { readonly role: string; readonly schema: string; readonly name: string }[];
  readonly mappings: readonly { readonly role: string; readonly server: string }[];
}

/** Roles of the source, and the target's that stand for them; any other role stands for itself. */
export type RoleMap = Readonly<Record<string, string>>;

/** For whom policies and user mappings are, each as often as one names it; those for everybody are for no role. */
export async function readNamedRoles(session: ReadSession): Promise<NamedRoles> {
  return {
    policies: await session.rows(`
      select r.rolname as role, n.nspname as schema, c.relname as name
        from pg_policy p
        join pg_roles r on r.oid = any (p.polroles)
        join pg_class c on c.oid = p.polrelid
        join pg_namespace n on n.oid = c.relnamespace
       where ${ofTheUser('c', 'pg_class')}
       order by 1, 2, 3`),
    mappings: await session.rows(`
      select m.usename as role, m.srvname as server
        from pg_user_mappings m
       where m.umuser <> 0 and m.usename is not null
       order by 2, 1`),
  };
}

/**
 * Returns what will be missing for want of a role at the target, in words for the plan. Throws `database-unfit`, naming
 * the roles, where policies are for some that the target does not have: a table must not lose a policy in silence.
 */
export function requireNamedRoles(
  { policies, mappings }: NamedRoles,
  mapped: RoleMap,
  roles: Pick<Roles, 'byName'>,
  target: ReadSession['origin'],
): string[] {
  const isMissing = ({ role }: { readonly role: string }) => !roles.byName.has(atTarget(role, mapped));
  const byRole = [...Map.groupBy(policies.filter(isMissing), ({ role }) => role)];
  if (byRole.length > 0) {
    const problems = byRole.map(([role, named]) => {
      const tables = [...new Set(named.map(displayTable))];
      return `${role} (${named.length === 1 ? '1 policy' : `${named.length} policies`} of ${someOf(tables, 3)})`;
    });
    const create = byRole.map(([role]) => `create role ${quoteName(role)} nologin`).join('; ');
    const map = byRole.map(([role]) => `${JSON.stringify(role)}: its role at the target`).join(', ');
    throw new RestageError(
      'database-unfit',
      `the target's server ${target.host}:${target.port} does not have the roles that policies of the source are for: ${someOf(problems)}`,
      { hint: `Map them in restage.yaml: database: { grants: { ${map} } }, or make them at the target: ${create}` },
    );
  }
  return [...Map.groupBy(mappings.filter(isMissing), ({ server }) => server)].map(([server, named]) => {
    const names = someOf(named.map(({ role }) => role));
    return named.length === 1
      ? `the user mapping of ${names} on the foreign server ${server} will not be made: the target has no such role`
      : `the user mappings of ${names} on the foreign server ${server} will not be made: the target has no such roles`;
  });
}

const policyFor = new RegExp(
  `^(CREATE POLICY ${printedName} ON ${printedName}\\.${printedName}(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? TO )(${printedName}(?:, ${printedName})*)(?=;| USING \\(| WITH CHECK \\()`,
);
const mappingFor = new RegExp(`^(CREATE USER MAPPING FOR )(${printedName})(?= SERVER )`);
const eachName = new RegExp(printedName, 'g');

/** The entry of a dump with the target's roles for the source's, where it is a policy or a user mapping for some. */
export function withRoles(entry: SchemaEntry, mapped: RoleMap): SchemaEntry {
  const statement = { POLICY: policyFor, 'USER MAPPING': mappingFor }[entry.type];
  if (!statement) return entry;
  const sql = entry.sql.replace(statement, (_whole, before: string, names: string) => {
    const printed = [...names.matchAll(eachName)].map(([one]) => {
      const role = unquote(one);
      const other = atTarget(role, mapped);
      return other === role ? one : quoteName(other);
    });
    return before + [...new Set(printed)].join(', ');
  });
  return sql === entry.sql ? entry : { ...entry, sql };
}

function atTarget(role: string, mapped: RoleMap): string {
  // Everybody is no role, and none can be called so.
  if (role === 'public') return role;
  return (Object.hasOwn(mapped, role) ? mapped[role] : undefined) ?? role;
}
