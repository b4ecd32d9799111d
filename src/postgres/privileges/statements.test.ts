import { expect, test } from 'vitest';
import { defaultStatementsFor, statementsFor } from './statements.ts';
import { usualOwners, wishesFor, type Wish } from './wishes.ts';
import { defaultsKey, type Grants, type ObjectPrivileges, type Privileges } from './read.ts';
import type { Roles } from '../roles.ts';

const roles: Roles = {
  own: 'login',
  byName: new Map(
    ['login', 'owner', 'app', 'stranger', 'admin'].map((name) => [
      name,
      { superuser: name === 'admin', settable: name !== 'stranger' && name !== 'admin' },
    ]),
  ),
};

/** `grants({ app: 'SELECT INSERT*' })`: with a star what may be handed on. */
const grants = (of: Readonly<Record<string, string>>): Grants =>
  new Map(
    Object.entries(of).map(([role, list]) => [
      role,
      new Map(list.split(' ').map((word) => [word.replace('*', ''), word.endsWith('*')])),
    ]),
  );

const builtIn = grants({ '': 'SELECT INSERT' });

function table(name: string, more: Partial<ObjectPrivileges> = {}): ObjectPrivileges {
  const object = {
    kind: 'relation' as const,
    oid: '20000',
    identity: `public.${name}`,
    title: `table public.${name}`,
    schema: 'public',
    owner: 'login',
    grants: builtIn,
    system: false,
    extension: false,
    ...more,
  };
  return { key: `${object.kind} ${object.identity}`, ...object };
}

const wish = (has: ObjectPrivileges, owner: string, wanted: Grants): Wish => ({ has, owner, grants: wanted });

const sqlOf = (wishes: readonly Wish[], kept: readonly string[] = []) =>
  statementsFor(wishes, roles, new Set(kept)).statements.map(({ phase, sql }) => `${phase}: ${sql}`);

function database(objects: readonly ObjectPrivileges[]): Privileges {
  return {
    objects: new Map(objects.map((object) => [object.key, object])),
    defaults: new Map(),
    builtIn: new Map([['relation', builtIn]]),
  };
}

test('what is as it should be gives no statement', () => {
  expect(sqlOf([wish(table('a'), 'login', builtIn)])).toEqual([]);
});

test('an object is granted first and given away then; what its former owner keeps is granted by the new one', () => {
  const wanted = grants({ '': 'SELECT', app: 'SELECT INSERT*', login: 'SELECT', public: 'SELECT' });
  expect(sqlOf([wish(table('a'), 'owner', wanted)])).toEqual([
    'grant: revoke insert on table public.a from "login"',
    'grant: grant select on table public.a to "app"',
    'grant: grant insert on table public.a to "app" with grant option',
    'grant to the former owner: set role "owner"; grant select on table public.a to "login"; reset role',
    'grant: grant select on table public.a to public',
    'give away: alter table public.a owner to "owner"',
  ]);
});

test('only the grant option is taken where only that is too much', () => {
  const has = table('a', { grants: grants({ '': 'SELECT INSERT', app: 'SELECT*' }) });
  expect(sqlOf([wish(has, 'login', grants({ '': 'SELECT INSERT', app: 'SELECT' }))])).toEqual([
    'grant: revoke grant option for select on table public.a from "app"',
  ]);
});

test('who cannot be made the owner is granted what he could do, but for what everybody may; a superuser needs nothing', () => {
  const open = grants({ '': 'SELECT INSERT', public: 'SELECT' });
  expect(sqlOf([wish(table('a'), 'stranger', open)])).toEqual([
    'grant: grant select on table public.a to public',
    'grant: grant insert on table public.a to "stranger"',
  ]);
  expect(sqlOf([wish(table('a'), 'owner', open)], ['relation public.a'])).toEqual([
    'grant: grant select on table public.a to public',
    'grant: grant insert on table public.a to "owner"',
  ]);
  expect(sqlOf([wish(table('a'), 'admin', builtIn)])).toEqual([]);
  const both = [wish(table('a'), 'stranger', open), wish(table('b'), 'admin', open)];
  expect(statementsFor(both, roles, new Set()).withheld).toEqual([
    ['stranger', 'table public.a'],
    ['admin', 'table public.b'],
  ]);
});

test("a column's sequence goes along with its table, and with it only", () => {
  const sequence = table('a_id_seq', {
    kind: 'sequence',
    follows: 'relation public.a',
    title: 'sequence public.a_id_seq',
  });
  const both = (owner: string) => [wish(sequence, 'owner', builtIn), wish(table('a'), owner, builtIn)];
  expect(sqlOf(both('owner'))).toEqual(['give away: alter table public.a owner to "owner"']);
  // Its owner at staging was another one than the table's: he keeps what he could do.
  expect(sqlOf(both('login'))).toEqual(['grant: grant select, insert on sequence public.a_id_seq to "owner"']);
});

test('a schema opens before, and closes and goes after what is in it', () => {
  const schema = table('', {
    kind: 'schema',
    identity: 's',
    schema: 's',
    grants: grants({ '': 'USAGE', public: 'USAGE' }),
  });
  expect(sqlOf([wish(schema, 'owner', grants({ '': 'USAGE', app: 'USAGE' }))])).toEqual([
    'close schemas: revoke usage on schema s from public',
    'open schemas: grant usage on schema s to "app"',
    'give schemas away: alter schema s owner to "owner"',
  ]);
});

test("a column's grants name the column, whatever it is called", () => {
  const column = table('a', { kind: 'column', column: 'A "b"', follows: 'relation public.a', grants: new Map() });
  expect(sqlOf([wish(column, 'login', grants({ app: 'SELECT UPDATE' }))])).toEqual([
    'grant: grant select ("A ""b"""), update ("A ""b""") on table public.a to "app"',
  ]);
});

test('default privileges are set for schemas that exist, as the role that they are of', () => {
  const of = (schema: string | undefined, role: string, granted: Grants) =>
    [defaultsKey(role, schema, 'relation'), { key: '', role, schema, kind: 'relation', grants: granted }] as const;
  const defaults = new Map([
    of(undefined, 'owner', grants({ '': 'SELECT', app: 'SELECT' })),
    of('public', 'login', grants({ app: 'INSERT*' })),
    of('gone', 'login', grants({ app: 'INSERT' })),
    of('public', 'stranger', grants({ app: 'INSERT' })),
  ]);
  expect(defaultStatementsFor(database([table('a')]), defaults, roles).map(({ sql }) => sql)).toEqual([
    'set role "owner"; alter default privileges for role "owner" revoke insert on tables from "owner"; reset role',
    'set role "owner"; alter default privileges for role "owner" grant select on tables to "app"; reset role',
    'alter default privileges for role "login" in schema "public" grant insert on tables to "app" with grant option',
    'alter default privileges for role "stranger" in schema "public" grant insert on tables to "app"',
  ]);
});

const wanted = (sides: { source: Privileges; staging: Privileges }, maps: Readonly<Record<string, string>> = {}) => {
  const columns = { incoming: new Set<string>(), staging: new Set<string>() };
  const incoming = database([table('new')]);
  const rules = { grants: maps, roles, ownerOf: usualOwners(sides.staging) };
  const { wishes, unknown } = wishesFor({ incoming, ...sides, columns }, rules);
  const [first] = wishes;
  return { owner: first?.owner, grants: first?.grants, unknown: [...unknown] };
};

test('a new object has the grants of the source, its roles by their names or by the map, and no others', () => {
  const source = database([
    table('new', {
      owner: 'producer',
      grants: grants({ '': 'SELECT INSERT', app: 'SELECT', other: 'INSERT*', gone: 'SELECT', public: 'SELECT' }),
    }),
  ]);
  const staging = database([table('a', { owner: 'owner' }), table('b', { owner: 'owner' }), table('c')]);
  expect(wanted({ source, staging }, { other: 'stranger', producer: 'login', gone: 'nobody' })).toEqual({
    owner: 'owner',
    grants: grants({ '': 'SELECT INSERT', app: 'SELECT', stranger: 'INSERT*', public: 'SELECT', login: 'INSERT' }),
    unknown: [['gone', 1]],
  });
});

test("a right that the owner himself has not at the source, he has not here; a right newer than the source's server, he has", () => {
  const source: Privileges = {
    ...database([table('new', { owner: 'login', grants: grants({ '': 'SELECT' }) })]),
    builtIn: new Map([['relation', grants({ '': 'SELECT INSERT' })]]),
  };
  const incoming = {
    ...database([table('new')]),
    builtIn: new Map([['relation', grants({ '': 'SELECT INSERT MAINTAIN' })]]),
  } as Privileges;
  const columns = { incoming: new Set<string>(), staging: new Set<string>() };
  const rules = { grants: {}, roles, ownerOf: () => 'login' };
  const { wishes } = wishesFor({ incoming, source, staging: database([]), columns }, rules);
  expect(wishes[0]?.grants).toEqual(grants({ '': 'SELECT MAINTAIN' }));
});

test('who owns most of a schema is asked of that schema, else of everything; of two alike, the first by name', () => {
  const ownerOf = usualOwners(
    database([
      table('a', { owner: 'owner' }),
      table('b', { owner: 'app' }),
      table('x', { schema: 'shop', identity: 'shop.x', owner: 'login' }),
      table('y', { schema: 'shop', identity: 'shop.y', owner: 'login' }),
      table('z', { owner: 'admin', extension: true }),
    ]),
  );
  expect([{ schema: 'public' }, { schema: 'shop' }, { schema: 'new' }, { schema: undefined }].map(ownerOf)).toEqual([
    'app',
    'login',
    'login',
    'login',
  ]);
  expect(usualOwners(database([]))({ schema: 'public' })).toBeUndefined();
});
