import { quoteName } from '../names.ts';
import { firstOfUsers, largeObjects, objects, ofUsersOrGranted, type ObjectKind } from './catalog.ts';
import type { ReadSession } from '../session.ts';

/**
 * Privileges by role, each with whether the role may hand it on. `public` is everybody, which no role can be called, and
 * the empty name is the owner, whoever that is.
 */
export type Grants = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

export const everybody = 'public';
export const theOwner = '';

export interface ObjectPrivileges {
  /** Kind and identity: unique in a database, and the same in another one. */
  readonly key: string;
  readonly kind: ObjectKind;
  /** Its number in this database; a column's is its table's. */
  readonly oid: string;
  /** As SQL names it, e.g. `public.books`, `public.f(integer)`; a column's is its table's. */
  readonly identity: string;
  /** As people name it, e.g. `view public.books`. */
  readonly title: string;
  /** The name of its schema; a schema's is its own. */
  readonly schema: string | undefined;
  readonly owner: string;
  readonly grants: Grants;
  /** The name of the column. */
  readonly column?: string;
  /** The key of the table whose owner is this one's too: that of a column, or of a sequence that belongs to a column. */
  readonly follows?: string;
  /** Whether the server has it without anybody having made it. */
  readonly system: boolean;
  /** Whether it came with an extension, which decides on its owner. */
  readonly extension: boolean;
}

/** ALTER DEFAULT PRIVILEGES of a role: in one schema, beside what holds everywhere; or everywhere, instead of the built-in ones. */
export interface DefaultPrivileges {
  readonly key: string;
  readonly role: string;
  readonly schema: string | undefined;
  readonly kind: ObjectKind;
  readonly grants: Grants;
}

/** Who may do what in a database. */
export interface Privileges {
  readonly objects: ReadonlyMap<string, ObjectPrivileges>;
  readonly defaults: ReadonlyMap<string, DefaultPrivileges>;
  /** What the server itself grants on an object of a kind of which nobody has said anything. */
  readonly builtIn: ReadonlyMap<ObjectKind, Grants>;
}

interface ObjectRow {
  readonly oid: string;
  readonly kind: ObjectKind;
  readonly identity: string;
  readonly type: string;
  readonly schema: string | null;
  readonly owner: string;
  readonly acl: string | null;
  readonly column: string | null;
  readonly follows: string | null;
  readonly system: string;
  readonly extension: string;
}

/** Owners and grants of everything in a database but its large objects; a second for ten thousand tables. */
export async function readPrivileges(session: ReadSession): Promise<Privileges> {
  return {
    ...(await readObjects(session, objects, [])),
    defaults: await readDefaults(session),
  };
}

/** The same of some large objects, by their numbers. Those that do not exist are not in the answer. */
export async function readLargeObjectPrivileges(session: ReadSession, oids: readonly string[]): Promise<Privileges> {
  return { ...(await readObjects(session, largeObjects, [`{${oids.join(',')}}`])), defaults: new Map() };
}

async function readObjects(
  session: ReadSession,
  from: string,
  parameters: readonly string[],
): Promise<Pick<Privileges, 'objects' | 'builtIn'>> {
  const builtIn = await readBuiltIn(session);
  const acls = await readAcls(session, from, parameters);
  const rows = await session.rows<ObjectRow>(
    `select o.kind, o.oid, i.identity, i.type, o.schema, pg_get_userbyid(o.owner) as owner, o.acl::text as acl,
            case when o.part > 0 then (select attname from pg_attribute where attrelid = o.oid and attnum = o.part) end as column,
            case when o.follows is not null then (pg_identify_object('pg_class'::regclass, o.follows, 0)).identity end as follows,
            (o.oid < ${firstOfUsers} and o.kind <> 'large object')::text as system, (e.objid is not null)::text as extension
       from (${from}) o
       cross join lateral pg_identify_object(o.class, o.oid, 0) i
       left join pg_depend e on e.classid = o.class and e.objid = o.oid and e.objsubid = 0 and e.deptype = 'e'
      where ${ofUsersOrGranted} and i.identity is not null -- it is when somebody drops the object meanwhile
    `,
    parameters,
  );
  // Most objects of a database have the same grants: they share one value here.
  const shared = new Map<string, Grants>();
  const grantsOf = ({ kind, owner, acl }: ObjectRow): Grants => {
    if (acl === null) return builtIn.get(kind) ?? new Map();
    const key = JSON.stringify([owner, acl]);
    const known = shared.get(key) ?? grantsIn(acls.get(acl) ?? [], owner);
    shared.set(key, known);
    return known;
  };
  // The same word of each row is one value here, too.
  const texts = new Map<string, string>();
  const one = <Text extends string>(text: Text): Text => {
    if (!texts.has(text)) texts.set(text, text);
    return texts.get(text) as Text; // set just now, by itself
  };
  const found = rows.map((row): ObjectPrivileges => {
    const { oid, identity, type, column, follows } = row;
    const kind = one(row.kind);
    return {
      key: keyOf(kind, identity, column),
      kind,
      oid,
      identity,
      title: column === null ? `${type} ${identity}` : `column ${identity}.${quoteName(column)}`,
      schema: row.schema === null ? undefined : one(row.schema),
      owner: one(row.owner),
      grants: grantsOf(row),
      ...(column === null ? {} : { column }),
      ...(follows === null ? {} : { follows: keyOf('relation', follows, null) }),
      system: row.system === 'true',
      extension: row.extension === 'true',
    };
  });
  return { objects: new Map(found.map((object) => [object.key, object])), builtIn };
}

function keyOf(kind: ObjectKind, identity: string, column: string | null): string {
  return column === null ? `${kind} ${identity}` : `${kind} ${identity}.${quoteName(column)}`;
}

interface Entry {
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: string;
}

// A grant that somebody else than the owner made counts as any other: who made it does not change what it allows.
const entries = `
  cross join aclexplode(acl) e
  left join pg_roles r on r.oid = e.grantee
  where e.grantee = 0 or r.oid is not null`;
const entry = `coalesce(r.rolname, '${everybody}') as grantee, e.privilege_type as privilege, e.is_grantable::text as grantable`;

function grantsIn(list: readonly Entry[], owner: string): Grants {
  const grants = new Map<string, Map<string, boolean>>();
  for (const { grantee, privilege, grantable } of list) {
    const who = grantee === owner ? theOwner : grantee;
    const held = grants.get(who) ?? new Map<string, boolean>();
    // An owner may always hand on what is his; whether that is also noted makes no difference.
    held.set(privilege, who !== theOwner && (grantable === 'true' || held.get(privilege) === true));
    grants.set(who, held);
  }
  return grants;
}

/** Each distinct list of grants once, by its text. */
async function readAcls(
  session: ReadSession,
  from: string,
  parameters: readonly string[],
): Promise<ReadonlyMap<string, readonly Entry[]>> {
  const rows = await session.rows<Entry & { readonly acl: string }>(
    `select acl::text as acl, ${entry}
       from (select distinct on (acl::text) acl from (${from}) o where o.acl is not null and ${ofUsersOrGranted}) a
            ${entries}`,
    parameters,
  );
  return Map.groupBy(rows, ({ acl }) => acl);
}

/** What acldefault() calls a kind. */
const letters: Partial<Record<ObjectKind, string>> = {
  relation: 'r',
  sequence: 's',
  routine: 'f',
  type: 'T',
  schema: 'n',
  language: 'l',
  'large object': 'L',
  'foreign data wrapper': 'F',
  'foreign server': 'S',
};

async function readBuiltIn(session: ReadSession): Promise<ReadonlyMap<ObjectKind, Grants>> {
  const values = Object.entries(letters).map(([kind, letter]) => `('${kind}', '${letter}')`);
  const rows = await session.rows<Entry & { readonly kind: ObjectKind; readonly owner: string }>(
    `select k.kind, me.rolname as owner, ${entry}
       from (values ${values.join(', ')}) k(kind, letter)
       join pg_roles me on me.rolname = current_user
       cross join acldefault(k.letter::"char", me.oid) acl
            ${entries}`,
  );
  const byKind = Map.groupBy(rows, ({ kind }) => kind);
  return new Map([...byKind].map(([kind, list]) => [kind, grantsIn(list, list[0]?.owner ?? '')]));
}

/** What pg_default_acl calls a kind. */
const defaultLetters: Readonly<Record<string, ObjectKind>> = {
  r: 'relation',
  S: 'sequence',
  f: 'routine',
  T: 'type',
  n: 'schema',
  L: 'large object',
};

async function readDefaults(session: ReadSession): Promise<ReadonlyMap<string, DefaultPrivileges>> {
  const rows = await session.rows<{ oid: string; role: string; schema: string | null; letter: string }>(`
    select d.oid, r.rolname as role, n.nspname as schema, d.defaclobjtype as letter
      from pg_default_acl d
      join pg_roles r on r.oid = d.defaclrole
      left join pg_namespace n on n.oid = d.defaclnamespace`);
  const granted = await session.rows<Entry & { readonly oid: string }>(`
    select d.oid, ${entry}
      from (select oid, defaclacl as acl from pg_default_acl) d
           ${entries}`);
  const byOid = Map.groupBy(granted, ({ oid }) => oid);
  const defaults = rows.flatMap(({ oid, role, schema, letter }): DefaultPrivileges[] => {
    const kind = defaultLetters[letter];
    if (!kind) return [];
    const grants = grantsIn(byOid.get(oid) ?? [], role);
    return [{ key: defaultsKey(role, schema ?? undefined, kind), role, schema: schema ?? undefined, kind, grants }];
  });
  return new Map(defaults.map((one) => [one.key, one]));
}

export function defaultsKey(role: string, schema: string | undefined, kind: ObjectKind): string {
  return JSON.stringify([role, schema ?? null, kind]);
}

/** Which of the columns exist in a database, of those that have grants in one database or another. */
export async function readColumnKeys(
  session: ReadSession,
  { objects: present }: Pick<Privileges, 'objects'>,
  columns: readonly ObjectPrivileges[],
): Promise<ReadonlySet<string>> {
  const asked = columns.flatMap(({ key, column, follows }) => {
    const table = present.get(follows ?? '');
    return table ? [{ key, table: table.oid, column }] : [];
  });
  if (asked.length === 0) return new Set();
  const rows = await session.rows<{ key: string }>(
    `select c.key
       from jsonb_to_recordset($1) c(key text, "table" oid, "column" name)
       join pg_attribute a on a.attrelid = c."table" and a.attname = c."column" and not a.attisdropped`,
    [JSON.stringify(asked)],
  );
  return new Set(rows.map(({ key }) => key));
}
