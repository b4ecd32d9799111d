import { defaultsKey, everybody, theOwner, type Grants, type ObjectPrivileges, type Privileges } from './read.ts';
import type { Roles } from '../roles.ts';

/** What an object has, and what it is to have. */
export interface Wish {
  readonly has: ObjectPrivileges;
  readonly owner: string;
  readonly grants: Grants;
}

/** The three databases that decide on a clone's owners and grants. */
export interface Sides {
  /** The clone, as it was built. */
  readonly incoming: Privileges;
  /** The database that it replaces. */
  readonly staging: Privileges;
  readonly source: Privileges;
  /** The keys of the columns that exist, of those with grants of their own in one of the databases. */
  readonly columns: { readonly incoming: ReadonlySet<string>; readonly staging: ReadonlySet<string> };
}

export interface NewcomerRules {
  /** Who owns what staging did not have; absent: its maker. */
  readonly ownerOf: (object: Pick<ObjectPrivileges, 'schema'>) => string | undefined;
  /** The source's roles, and the target's that get their grants. */
  readonly grants: Readonly<Record<string, string>>;
  readonly roles: Roles;
}

export interface Wishes {
  readonly wishes: readonly Wish[];
  /** Roles of the source that the target does not have, each with the number of new objects whose grants to it are left out. */
  readonly unknown: ReadonlyMap<string, number>;
}

/**
 * What every object of the clone is to have: what staging gave it; and where staging had no such object, what the source
 * grants on it to the roles of the target, with what the default privileges of its owner add.
 */
export function wishesFor(sides: Sides, rules: NewcomerRules): Wishes {
  const { incoming, staging, source } = sides;
  const unknown = new Map<string, number>();
  const roleAtTarget = (name: string): string | undefined => {
    const role = Object.hasOwn(rules.grants, name) ? rules.grants[name] : name;
    return role !== undefined && (role === everybody || rules.roles.byName.has(role)) ? role : undefined;
  };
  const newOwner = (object: ObjectPrivileges): string => {
    if (ownedByMaker.has(object.kind) || object.extension) return object.owner;
    return rules.ownerOf(object) ?? object.owner;
  };
  const owners = new Map<string, string>();
  const asNew = (has: ObjectPrivileges): Wish => {
    const owner = (has.follows === undefined ? undefined : owners.get(has.follows)) ?? newOwner(has);
    owners.set(has.key, owner);
    const builtIn = has.extension ? has.grants : (incoming.builtIn.get(has.kind) ?? nothing);
    const grants = editable(has.extension ? has.grants : builtIn);
    const from = source.objects.get(has.key);
    if (from) {
      const usual = source.builtIn.get(from.kind) ?? nothing;
      remove(grants, without(usual, from.grants));
      const missing = new Set<string>();
      for (const [grantee, privileges] of without(from.grants, usual)) {
        const role = grantee === theOwner ? theOwner : roleAtTarget(grantee);
        if (role === undefined) missing.add(grantee);
        // The owner of the new object may do everything anyway.
        else if (role !== owner && role !== theOwner) add(grants, role, privileges);
      }
      for (const role of missing) unknown.set(role, (unknown.get(role) ?? 0) + 1);
      const sourceOwner = roleAtTarget(from.owner);
      if (
        !has.extension &&
        sourceOwner !== undefined &&
        sourceOwner !== owner &&
        !isSuperuser(rules.roles, sourceOwner)
      )
        add(grants, sourceOwner, beyond(from.grants.get(theOwner), from.grants.get(everybody)));
    }
    if (!has.extension && has.kind !== 'column') applyDefaults(grants, owner, has, staging, builtIn);
    return { has, owner, grants };
  };
  const wishOf = (has: ObjectPrivileges): Wish => {
    const at = staging.objects.get(has.key);
    if (!at) return has.system ? { has, owner: has.owner, grants: has.grants } : asNew(has);
    owners.set(has.key, at.owner);
    return { has, owner: at.owner, grants: at.grants };
  };
  // A table before what follows it: its owner is its columns' and its sequences' too.
  const [leading, following] = [true, false].map((leads) =>
    [...incoming.objects.values()].filter(({ follows }) => (follows === undefined) === leads),
  );
  const bare = [...bareColumns(sides), ...bareSystemObjects(sides)];
  return { wishes: [...(leading ?? []), ...(following ?? []), ...bare].map(wishOf), unknown };
}

const nothing: Grants = new Map();

/** What only a superuser may own, or what its maker is as good for as anybody. */
const ownedByMaker: ReadonlySet<string> = new Set(['event trigger', 'foreign data wrapper', 'language', 'extension']);

/** Columns that have no grants of their own yet, and are to have some: staging's, and of what is new the source's. */
function bareColumns({ incoming, staging, source, columns }: Sides): ObjectPrivileges[] {
  const wanted = new Map<string, ObjectPrivileges>();
  for (const object of source.objects.values())
    if (object.kind === 'column' && !columns.staging.has(object.key)) wanted.set(object.key, object);
  for (const object of staging.objects.values()) if (object.kind === 'column') wanted.set(object.key, object);
  return [...wanted.values()].flatMap((column) => {
    const table = incoming.objects.get(column.follows ?? '');
    if (!table || incoming.objects.has(column.key) || !columns.incoming.has(column.key)) return [];
    return [{ ...column, owner: table.owner, grants: nothing, system: table.system, extension: table.extension }];
  });
}

/** The server's own objects that staging's people have granted, and whose grants are the built-in ones in any other database. */
function bareSystemObjects({ incoming, staging }: Sides): ObjectPrivileges[] {
  return [...staging.objects.values()]
    .filter((object) => object.system && object.kind !== 'column' && !incoming.objects.has(object.key))
    .map((object) => ({ ...object, grants: incoming.builtIn.get(object.kind) ?? nothing }));
}

/** Who owns most of a schema; of an object whose schema is new, or that lives in none, who owns most of everything. */
export function usualOwners(staging: Privileges): NewcomerRules['ownerOf'] {
  const counts = new Map<string, Map<string, number>>();
  const count = (group: string, owner: string) => {
    const owners = counts.get(group) ?? new Map<string, number>();
    counts.set(group, owners.set(owner, (owners.get(owner) ?? 0) + 1));
  };
  for (const { kind, schema, owner, system, extension, follows } of staging.objects.values()) {
    if (system || extension || follows !== undefined || ownedByMaker.has(kind)) continue;
    if (schema !== undefined) count(`in ${schema}`, owner);
    count('all', owner);
  }
  const first = (group: string) =>
    [...(counts.get(group) ?? [])].toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))[0]?.[0];
  return ({ schema }) => (schema === undefined ? undefined : first(`in ${schema}`)) ?? first('all');
}

/** What ALTER DEFAULT PRIVILEGES of the owner make of an object that he makes. */
function applyDefaults(
  grants: Map<string, Map<string, boolean>>,
  owner: string,
  { kind, schema }: ObjectPrivileges,
  { defaults }: Privileges,
  builtIn: Grants,
): void {
  const everywhere = defaults.get(defaultsKey(owner, undefined, kind));
  if (everywhere) {
    remove(grants, without(builtIn, everywhere.grants));
    for (const [role, privileges] of without(everywhere.grants, builtIn)) add(grants, role, privileges);
  }
  const here = schema === undefined ? undefined : defaults.get(defaultsKey(owner, schema, kind));
  for (const [role, privileges] of here?.grants ?? nothing) add(grants, role, privileges);
}

export function isSuperuser({ byName }: Roles, role: string): boolean {
  return byName.get(role)?.superuser === true;
}

function editable(grants: Grants): Map<string, Map<string, boolean>> {
  return new Map([...grants].map(([role, privileges]) => [role, new Map(privileges)]));
}

function add(grants: Map<string, Map<string, boolean>>, role: string, more: ReadonlyMap<string, boolean>): void {
  if (more.size === 0) return;
  const held = grants.get(role) ?? new Map<string, boolean>();
  for (const [privilege, grantable] of more) held.set(privilege, grantable || held.get(privilege) === true);
  grants.set(role, held);
}

function remove(grants: Map<string, Map<string, boolean>>, less: Grants): void {
  for (const [role, privileges] of less) for (const privilege of privileges.keys()) grants.get(role)?.delete(privilege);
}

/** The first's grants that the second lacks. */
function without(grants: Grants, others: Grants): Grants {
  return new Map(
    [...grants].map(([role, privileges]) => {
      const held = others.get(role);
      return [role, new Map([...privileges].filter(([name, grantable]) => held?.get(name) !== grantable))];
    }),
  );
}

/** Privileges that need saying: those that everybody has, need not. */
export function beyond(
  privileges: ReadonlyMap<string, boolean> | undefined,
  everybodys: ReadonlyMap<string, boolean> | undefined,
): ReadonlyMap<string, boolean> {
  return new Map([...(privileges ?? [])].filter(([name]) => !everybodys?.has(name)));
}
