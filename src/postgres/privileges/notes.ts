import { quoteName } from '../names.ts';
import { firstOfUsers, objects } from './catalog.ts';
import { readPrivileges } from './read.ts';
import { readRoles } from '../roles.ts';
import type { ReadSession } from '../session.ts';

/** What of the present target's owners and grants its role will not be able to give to the new database, in sentences for the plan. */
export async function readPrivilegeNotes(session: ReadSession): Promise<string[]> {
  const roles = await readRoles(session);
  if (roles.byName.get(roles.own)?.superuser) return [];
  const { objects: present, defaults } = await readPrivileges(session);
  const notes: string[] = [];
  const cannotBe = (owner: string) => !roles.byName.get(owner)?.settable;
  const owned = [...present.values()].filter(
    ({ kind, owner, extension, follows, system }) =>
      cannotBe(owner) && kind !== 'extension' && !extension && follows === undefined && !system,
  );
  for (const [owner, list] of [...Map.groupBy(owned, (object) => object.owner)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    const kinds = [...Map.groupBy(list, ({ kind }) => kind)].map(([kind, some]) => `${some.length} of kind ${kind}`);
    // Nobody should make a refresh's role a superuser for the sake of an owner; and a superuser needs no grants.
    const instead = roles.byName.get(owner)?.superuser
      ? ''
      : `, and ${owner} is granted what it may do with them; grant ${quoteName(owner)} to ${quoteName(roles.own)} keeps their owner`;
    notes.push(
      `at the target, ${owner} owns ${list.length} object${list.length === 1 ? '' : 's'} (${kinds.join(', ')}), and ${roles.own} is no member of it: in the new database they belong to ${roles.own}${instead}`,
    );
  }
  for (const { kind, owner, title, system } of present.values())
    if (kind === 'extension' && !system && owner !== roles.own && !roles.byName.get(owner)?.superuser)
      notes.push(
        `at the target, ${title} belongs to ${owner}: in the new database it belongs to ${roles.own}, as PostgreSQL gives no extension to another role`,
      );
  const unsaid = new Set([...defaults.values()].map(({ role }) => role).filter((role) => cannotBe(role)));
  for (const role of unsaid)
    notes.push(
      `at the target, ${role} has default privileges, and ${roles.own} is no member of it: they are not carried over; grant ${quoteName(role)} to ${quoteName(roles.own)} carries them over`,
    );
  return [...notes, ...(await readSystemGrants(session, roles.own))];
}

/** Grants on what the server itself has made, which only its owner can repeat. */
async function readSystemGrants(session: ReadSession, own: string): Promise<string[]> {
  const [row] = await session.rows<{ count: string; some: string | null }>(`
    select count(*) as count, string_agg(identity, ', ') filter (where position <= 5) as some
      from (
        select i.identity, row_number() over (order by i.identity) as position
          from (${objects}) o
          cross join lateral pg_identify_object(o.class, o.oid, o.part) i
          left join pg_init_privs p on p.classoid = o.class and p.objoid = o.oid and p.objsubid = o.part
         where o.oid < ${firstOfUsers} and o.acl is not null and o.acl is distinct from p.initprivs
           and o.schema is distinct from 'information_schema' -- initdb notes nothing of it
           and not pg_has_role(o.owner, 'usage')) changed`);
  if (!row || row.count === '0') return [];
  return [
    `at the target, grants were changed on ${row.count} objects of the server itself, which ${own} may not repeat in the new database: ${row.some}`,
  ];
}
