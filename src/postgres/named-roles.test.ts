import { expect, test } from 'vitest';
import { RestageError } from '../errors.ts';
import { requireNamedRoles, withRoles, type NamedRoles } from './named-roles.ts';
import type { SchemaEntry } from './schema-entries.ts';

const policy = (sql: string): SchemaEntry => ({ type: 'POLICY', name: 'books own', schema: 'public', sql });
const mapping = (sql: string): SchemaEntry => ({ type: 'USER MAPPING', name: 'USER MAPPING any', schema: '', sql });

const mapped = {
  clerk: 'shop_app',
  'Night "Shift"': `it's "odd"`,
  'a, b': 'shop_app',
  'x TO clerk': 'y',
  public: 'wrong',
  'new\nline': '$&$1',
};

test.each([
  ['ON public.books TO clerk USING (true);', 'ON public.books TO "shop_app" USING (true);'],
  ['ON public.books TO clerk;', 'ON public.books TO "shop_app";'],
  [
    'ON public.books FOR INSERT TO clerk WITH CHECK (true);',
    'ON public.books FOR INSERT TO "shop_app" WITH CHECK (true);',
  ],
  [
    'ON public.books AS RESTRICTIVE FOR UPDATE TO reader, clerk, "Reader" USING ((id > 0)) WITH CHECK (true);',
    'ON public.books AS RESTRICTIVE FOR UPDATE TO reader, "shop_app", "Reader" USING ((id > 0)) WITH CHECK (true);',
  ],
  ['ON "a.b"."c"" TO clerk" TO "Night ""Shift""";', `ON "a.b"."c"" TO clerk" TO "it's ""odd""";`],
  ['ON public.books TO "x TO clerk", "Clerk";', 'ON public.books TO "y", "Clerk";'],
  ['ON public.books TO "new\nline" USING (true);', 'ON public.books TO "$&$1" USING (true);'],
])('a policy is for the roles of the target: %s', (sql, expected) => {
  for (const name of ['own', '"it""s USING (true) TO clerk"', '" ON public.x TO clerk;"', '"a\nb; -- ON"']) {
    const entry = policy(`CREATE POLICY ${name} ${sql}`);
    expect(withRoles(entry, mapped)).toEqual({ ...entry, sql: `CREATE POLICY ${name} ${expected}` });
  }
});

test('roles of the source that are one at the target are named once', () => {
  expect(
    withRoles(policy('CREATE POLICY own ON public.books TO "a, b", clerk, reader USING (true);'), mapped).sql,
  ).toBe('CREATE POLICY own ON public.books TO "shop_app", reader USING (true);');
});

test.each([
  'CREATE POLICY own ON public.books USING ((clerk = CURRENT_USER));',
  `CREATE POLICY own ON public.books USING ((note = ' TO clerk USING (true);'::text));`,
  `CREATE POLICY own ON public.books FOR SELECT TO reader USING ((note = ' FOR SELECT TO clerk USING ('::text)) WITH CHECK (("x TO clerk" = 1));`,
  'CREATE POLICY "x TO clerk" ON public." TO clerk" FOR SELECT USING (("x TO clerk" = 1));',
  'CREATE POLICY own ON public.books TO "clerk""" USING (true);',
  'CREATE POLICY own ON public.books TO toString, constructor USING (true);',
])('nothing else of a policy is touched: %s', (sql) => {
  const entry = policy(sql);
  expect(withRoles(entry, mapped)).toBe(entry);
});

test.each([
  [
    `clerk SERVER far OPTIONS (\n    password ' FOR clerk SERVER far '\n);`,
    `"shop_app" SERVER far OPTIONS (\n    password ' FOR clerk SERVER far '\n);`,
  ],
  ['"Night ""Shift""" SERVER "clerk SERVER x";', `"it's ""odd""" SERVER "clerk SERVER x";`],
  ['public SERVER clerk;', 'public SERVER clerk;'],
  ['reader SERVER "FOR clerk SERVER x";', 'reader SERVER "FOR clerk SERVER x";'],
])('a user mapping is for the role of the target: %s', (sql, expected) => {
  expect(withRoles(mapping(`CREATE USER MAPPING FOR ${sql}`), mapped).sql).toBe(`CREATE USER MAPPING FOR ${expected}`);
});

test('other entries stay as they are, whatever they hold', () => {
  const entry = { ...policy('CREATE POLICY own ON public.books TO clerk;'), type: 'FUNCTION' };
  expect(withRoles(entry, mapped)).toBe(entry);
});

const target = { host: 'staging.example', port: 5432, database: 'shop', user: 'shop', version: '18.1' };
const roles = { byName: new Map(['shop_app', 'reader'].map((name) => [name, { superuser: false, settable: true }])) };
const named = (...policies: readonly (readonly [role: string, table: string])[]): NamedRoles => ({
  policies: policies.map(([role, name]) => ({ role, schema: 'public', name })),
  mappings: [],
});

test('roles that the target has, or that are mapped to one that it has, are not missed', () => {
  expect(
    requireNamedRoles(named(['reader', 'books'], ['clerk', 'books']), { clerk: 'shop_app' }, roles, target),
  ).toEqual([]);
});

test('a role that is mapped to another one is not looked for under its own name', () => {
  expect(() => requireNamedRoles(named(['reader', 'books']), { reader: 'nobody' }, roles, target)).toThrow(
    RestageError,
  );
});

test('of many tables some are named, each once, and all policies are counted', () => {
  const many = named(...['a', 'a', 'b', 'c', 'd', 'e'].map((table) => ['clerk', table] as const), ['guest', 'a']);
  expect(() => requireNamedRoles(many, {}, roles, target)).toThrow(
    'staging.example:5432 does not have the roles that policies of the source are for: clerk (6 policies of a, b, c and 2 more), guest (1 policy of a)',
  );
});
