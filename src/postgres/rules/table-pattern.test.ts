import { expect, test } from 'vitest';
import { matchesTable } from './table-pattern.ts';

const table = (name: string, schema = 'public') => ({ schema, name });

test.each([
  ['users', table('users'), true],
  ['users', table('Users'), false],
  ['Users', table('Users'), true],
  ['users', table('users', 'app'), false],
  ['app.users', table('users', 'app'), true],
  ['public.users', table('users'), true],
  ['user', table('users'), false],
  ['a.b', table('a.b'), true],
  ['a.b', table('b', 'a'), true],
  ['public.a.b', table('a.b'), true],
  ['a.b.c', table('b.c', 'a'), true],
  ['a.b.c', table('c', 'a.b'), true],
  ['legacy_*', table('legacy_'), true],
  ['legacy_*', table('legacy_users'), true],
  ['legacy_*', table('Legacy_users'), false],
  ['legacy_*', table('legacy_users', 'app'), false],
  ['*', table('anything'), true],
  ['*', table('anything', 'app'), false],
  ['*.*', table('anything', 'app'), true],
  ['app.*', table('a.b', 'app'), true],
  ['a*.t?', table('t1', 'app'), true],
  ['a*.t?', table('t12', 'app'), false],
  ['t?', table('t💡'), true],
  ['t?', table('t'), false],
  ['t*', table('t\n2'), true],
  ['t.*', table('t.x'), false],
  ['public.t.*', table('t.x'), true],
  ['a+b*', table('a+b1'), true],
  ['a+b*', table('aab1'), false],
  ['(x|y)[1]*', table('(x|y)[1]'), true],
  ['(x|y)[1]*', table('x1'), false],
  ['a\\*', table('a\\b'), true],
  ['t*', table('t*'), true],
  ['what?', table('what?'), true],
  ['', table(''), true],
  ['', table('users'), false],
])('%j is about %j: %j', (pattern, name, expected) => {
  expect(matchesTable(name, pattern)).toBe(expected);
});
