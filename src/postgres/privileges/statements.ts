import { quoteName } from '../names.ts';
import type { ObjectKind } from './catalog.ts';
import { beyond, isSuperuser, type Wish } from './wishes.ts';
import { defaultsKey, everybody, theOwner, type Grants, type ObjectPrivileges, type Privileges } from './read.ts';
import type { Roles } from '../roles.ts';

/**
 * In this order: while everything is still the session's own it may be granted; a schema must let an object's new owner
 * in before the object is his, and goes to an owner of its own, or is closed, when nothing in it is to be changed any more.
 */
export const phases = [
  'open schemas',
  'grant',
  'give away',
  'grant to the former owner',
  'close schemas',
  'give schemas away',
  'grant schemas to the former owner',
  'default privileges',
] as const;

export type Phase = (typeof phases)[number];

export interface PrivilegeStatement {
  readonly phase: Phase;
  readonly sql: string;
  /** What it is about, e.g. `table public.books`. */
  readonly title: string;
  /** Of a change of owner: the key of the object. */
  readonly gives?: string;
  /** What a role must be allowed in a schema for it, were it only for that moment. */
  readonly needs?: Need;
}

export interface Need {
  readonly schema: string;
  readonly role: string;
  readonly privilege: 'create' | 'usage';
}

export interface Differences {
  readonly statements: readonly PrivilegeStatement[];
  /** What stays with its maker, as the session's role may not give it to its owner: each with that owner. */
  readonly withheld: readonly (readonly [owner: string, title: string])[];
  /** Extensions that have another owner now than they are to have, each with that owner: none can be given away. */
  readonly extensions: readonly (readonly [owner: string, title: string])[];
}

const words: Readonly<Record<ObjectKind, { readonly alter: string; readonly grant: string }>> = {
  relation: { alter: 'table', grant: 'table' },
  column: { alter: 'table', grant: 'table' },
  sequence: { alter: 'sequence', grant: 'sequence' },
  routine: { alter: 'routine', grant: 'routine' },
  type: { alter: 'type', grant: 'type' },
  schema: { alter: 'schema', grant: 'schema' },
  language: { alter: 'language', grant: 'language' },
  'foreign data wrapper': { alter: 'foreign data wrapper', grant: 'foreign data wrapper' },
  'foreign server': { alter: 'server', grant: 'foreign server' },
  'large object': { alter: 'large object', grant: 'large object' },
  operator: { alter: 'operator', grant: '' },
  'operator class': { alter: 'operator class', grant: '' },
  'operator family': { alter: 'operator family', grant: '' },
  collation: { alter: 'collation', grant: '' },
  conversion: { alter: 'conversion', grant: '' },
  'text search configuration': { alter: 'text search configuration', grant: '' },
  'text search dictionary': { alter: 'text search dictionary', grant: '' },
  statistics: { alter: 'statistics', grant: '' },
  'event trigger': { alter: 'event trigger', grant: '' },
  publication: { alter: 'publication', grant: '' },
  extension: { alter: 'extension', grant: '' },
};

/**
 * The statements that turn what objects have into what they are to have. `kept` are the keys of those whose owner could
 * not be changed. Who cannot be given his object is granted what he could do with it.
 */
export function statementsFor(wishes: readonly Wish[], roles: Roles, kept: ReadonlySet<string>): Differences {
  const statements: PrivilegeStatement[] = [];
  const withheld: (readonly [owner: string, title: string])[] = [];
  const extensions: (readonly [owner: string, title: string])[] = [];
  const finalOwner = finalOwners(wishes, roles, kept);
  for (const wish of wishes) {
    const { has } = wish;
    const owner = finalOwner(wish);
    if (owner !== wish.owner) {
      if (has.kind === 'extension' && !isSuperuser(roles, wish.owner)) extensions.push([wish.owner, has.title]);
      if (has.kind !== 'extension' && has.follows === undefined && !has.extension)
        withheld.push([wish.owner, has.title]);
    }
    statements.push(...grantsFor(wish, owner, roles));
    if (owner !== has.owner && has.follows === undefined)
      statements.push({
        phase: has.kind === 'schema' ? 'give schemas away' : 'give away',
        sql: `alter ${words[has.kind].alter} ${has.identity} owner to ${quoteName(owner)}`,
        title: has.title,
        gives: has.key,
        ...need(has, owner, 'create'),
      });
  }
  return { statements, withheld, extensions };
}

/** Who will own an object: the one it is for, if the session's role may give it to him; a column's or sequence's table decides. */
function finalOwners(wishes: readonly Wish[], roles: Roles, kept: ReadonlySet<string>): (wish: Wish) => string {
  const own = ({ has, owner }: Wish) =>
    has.extension || has.kind === 'extension' || kept.has(has.key) || !roles.byName.get(owner)?.settable
      ? has.owner
      : owner;
  const leading = new Map<string, string>();
  for (const wish of wishes) if (wish.has.follows === undefined) leading.set(wish.has.key, own(wish));
  return (wish) => (wish.has.follows === undefined ? own(wish) : (leading.get(wish.has.follows) ?? wish.has.owner));
}

function grantsFor(wish: Wish, owner: string, roles: Roles): PrivilegeStatement[] {
  const { has } = wish;
  if (words[has.kind].grant === '') return [];
  const wanted = settle(wish, owner, roles);
  const schema = has.kind === 'schema';
  return changes(has.grants, wanted).map(({ sql, grantee, revokes }): PrivilegeStatement => {
    const on = `on ${words[has.kind].grant} ${has.identity}`;
    // What is granted to the owner goes along to the next owner, so his own grants can be made only when he is it no more.
    const later = grantee === has.owner && owner !== has.owner;
    const who = grantee === theOwner ? has.owner : grantee;
    const statement = sql(has.column === undefined ? '' : ` (${quoteName(has.column)})`, on, roleName(who));
    return {
      phase: later
        ? schema
          ? 'grant schemas to the former owner'
          : 'grant to the former owner'
        : schema
          ? revokes
            ? 'close schemas'
            : 'open schemas'
          : 'grant',
      sql: later ? acting(owner, statement) : statement,
      title: has.title,
      ...(later ? need(has, owner, 'usage') : {}),
    };
  });
}

function need({ kind, schema }: ObjectPrivileges, role: string, privilege: Need['privilege']): { needs?: Need } {
  return kind === 'schema' || schema === undefined ? {} : { needs: { schema, role, privilege } };
}

/** What is wanted, in terms of who will really own it. */
function settle(wish: Wish, owner: string, roles: Roles): Grants {
  const { has } = wish;
  if (owner === wish.owner) return wish.grants;
  const wanted = new Map(wish.grants);
  const lost = beyond(wanted.get(theOwner), wanted.get(everybody));
  wanted.set(theOwner, has.grants.get(theOwner) ?? new Map());
  wanted.delete(owner);
  if (!has.extension && !isSuperuser(roles, wish.owner) && roles.byName.has(wish.owner) && lost.size > 0)
    wanted.set(wish.owner, lost);
  return wanted;
}

interface Change {
  readonly grantee: string;
  readonly revokes: boolean;
  readonly sql: (part: string, on: string, who: string) => string;
}

/** The fewest grants and revocations that lead from the one to the other. */
function changes(has: Grants, wanted: Grants): Change[] {
  const all: Change[] = [];
  for (const grantee of new Set([...has.keys(), ...wanted.keys()])) {
    const held = has.get(grantee) ?? new Map<string, boolean>();
    const due = wanted.get(grantee) ?? new Map<string, boolean>();
    const names = (test: (privilege: string) => boolean) =>
      [...new Set([...held.keys(), ...due.keys()])].filter((privilege) => test(privilege));
    const add = (
      privileges: readonly string[],
      revokes: boolean,
      sql: (list: string, on: string, who: string) => string,
    ) => {
      if (privileges.length === 0) return;
      all.push({
        grantee,
        revokes,
        sql: (part, on, who) => sql(privileges.map((name) => name.toLowerCase() + part).join(', '), on, who),
      });
    };
    const bare = names((name) => held.has(name) && !due.has(name));
    add(bare, true, (list, on, who) => `revoke ${list} ${on} from ${who}`);
    const lessened = names((name) => held.get(name) === true && due.get(name) === false);
    add(lessened, true, (list, on, who) => `revoke grant option for ${list} ${on} from ${who}`);
    const plain = names((name) => due.get(name) === false && !held.has(name));
    add(plain, false, (list, on, who) => `grant ${list} ${on} to ${who}`);
    const handed = names((name) => due.get(name) === true && held.get(name) !== true);
    add(handed, false, (list, on, who) => `grant ${list} ${on} to ${who} with grant option`);
  }
  return all;
}

const defaultWords: Partial<Record<ObjectKind, string>> = {
  relation: 'tables',
  sequence: 'sequences',
  routine: 'routines',
  type: 'types',
  schema: 'schemas',
  'large object': 'large objects',
};

/** ALTER DEFAULT PRIVILEGES, so that the one database has the other's; in schemas that exist, which are given by name. */
export function defaultStatementsFor(
  incoming: Privileges,
  wanted: Privileges['defaults'],
  roles: Roles,
): PrivilegeStatement[] {
  const schemas = new Set([...incoming.objects.values()].map(({ schema }) => schema));
  return [...wanted.values()].flatMap(({ role, schema, kind, grants }) => {
    if (schema !== undefined && !schemas.has(schema)) return [];
    const unsaid: Grants = (schema === undefined ? incoming.builtIn.get(kind) : undefined) ?? new Map();
    const has = incoming.defaults.get(defaultsKey(role, schema, kind))?.grants ?? unsaid;
    const whose = `alter default privileges for role ${quoteName(role)}`;
    const where = schema === undefined ? '' : ` in schema ${quoteName(schema)}`;
    return changes(has, grants).map(({ sql, grantee }): PrivilegeStatement => {
      const statement = `${whose}${where} ${sql('', `on ${defaultWords[kind]}`, roleName(grantee === theOwner ? role : grantee))}`;
      return {
        phase: 'default privileges',
        sql: role !== roles.own && roles.byName.get(role)?.settable ? acting(role, statement) : statement,
        title: `the default privileges of ${role} on ${defaultWords[kind]}${schema === undefined ? '' : ` in ${schema}`}`,
      };
    });
  });
}

function roleName(role: string): string {
  return role === everybody ? everybody : quoteName(role);
}

/** One statement as another role, in one go: where it fails, the server takes the role back too. */
function acting(role: string, sql: string): string {
  return `set role ${quoteName(role)}; ${sql}; reset role`;
}
