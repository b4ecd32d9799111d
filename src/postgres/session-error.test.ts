import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import type { RestageError } from '../errors.ts';
import { connectError } from './connect-error.ts';
import { connectionLost, sqlState, statementError } from './session-error.ts';
import type { Address, Origin } from './session.ts';

const origin: Origin = { host: 'db.example', port: 5433, database: 'shop', user: 'ann', version: '16.4' };
const address: Address = { ...origin, password: 'not shown', tls: 'disable' };

const standby = { ...origin, standby: true as const };

function serverSays(code: string, message: string, more: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError(message, 0, 'error'), { code, ...more });
}

function told(error: DatabaseError, sql = 'select 1'): RestageError {
  return statementError(error, origin, sql);
}

test('a statement that a standby cancelled names the standby, the words of the server and the three ways out', () => {
  const conflict = serverSays('40001', 'canceling statement due to conflict with recovery', {
    detail: 'User query might have needed to see row versions that must be removed.',
  });
  const error = statementError(conflict, standby, 'select 1');
  expect(error.message).toBe(
    'the standby shop at db.example:5433: canceling statement due to conflict with recovery; User query might have needed to see row versions that must be removed. (SQLSTATE 40001)',
  );
  expect(error.hint).toMatch(/hot_standby_feedback = on.*max_standby_streaming_delay.*primary as the source/);
});

test('a session that a standby ended, without a word even, is told alike, and an ordinary serialization failure is not', () => {
  const ended = connectionLost(standby, serverSays('40001', 'terminating connection due to conflict with recovery'));
  const silent = connectionLost(standby);
  for (const error of [ended, silent])
    expect(error).toMatchObject({ code: 'database-lost', hint: expect.stringContaining('hot_standby_feedback') });
  expect(ended.message).toMatch(
    /the standby shop at db\.example:5433 was lost: terminating .* recovery \(SQLSTATE 40001\)$/,
  );
  const other = told(serverSays('40001', 'could not serialize access due to concurrent update'));
  expect([other.message, other.hint]).not.toContainEqual(expect.stringContaining('standby'));
});

test('a lock that did not come is told with the name of the table, among many, and who to look for', () => {
  const sql = `select 'ü🦉', count(*) from only "public"."a" union all select 2, count(*) from only "Sales"."b ""2""" where true`;
  const before = Array.from(sql.slice(0, sql.indexOf('"Sales"'))); // the server counts characters, JavaScript halves of some
  const position = String(before.length + 1);
  const error = told(serverSays('55P03', 'canceling statement due to lock timeout', { position }), sql);
  expect(error.message).toContain('it waited for a lock on "Sales"."b ""2"""');
  expect(error.hint).toMatch(/holds a lock.*pg_blocking_pids.*The statement was: select/);
});

test('a lock that did not come is told without a name where the server gives no position', () => {
  const error = told(serverSays('55P03', 'canceling statement due to lock timeout'), 'copy "public"."a" to stdout');
  expect(error.message).toMatch(/canceling statement due to lock timeout \(SQLSTATE 55P03\)$/);
  expect(error.hint).toContain('The statement was: copy "public"."a" to stdout');
});

test('a full disk, a cancelled statement and a value that is too long are told with what to do', () => {
  const full = serverSays('53100', 'could not extend file "base/5/16390": No space left on device', {
    hint: 'Check free disk space.',
  });
  expect(told(full)).toMatchObject({
    code: 'statement-failed',
    message: expect.stringContaining('No space left on device (SQLSTATE 53100)'),
    hint: expect.stringMatching(/disk is full: make room.*database\.keepPrevious.*Check free disk space\.$/),
  });
  const cancelled = told(serverSays('57014', 'canceling statement due to user request'));
  expect(cancelled.hint).toContain('Somebody cancelled');
  const memory = told(serverSays('53200', 'out of memory'));
  expect(memory.hint).toContain('database.jobs');
  for (const [code, words] of [
    ['XX000', 'invalid memory alloc request size 1800000003'],
    ['54000', 'out of memory'],
  ] as const)
    expect(told(serverSays(code, words)).hint).toContain('larger than the server can handle in one piece');
  expect(told(serverSays('XX000', 'unexpected chunk number 3 for toast value 7')).hint).toBe(
    'The statement was: select 1',
  );
});

test('a session that is one too many is told with the limit that refused it and how to raise it', () => {
  const refused = (words: string) => connectError(serverSays('53300', words), address, 'login');
  for (const [words, limit] of [
    ['too many connections for role "ann"', 'alter role "ann" connection limit'],
    ['too many connections for database "shop"', 'alter database "shop" connection limit'],
    ['sorry, too many clients already', "the server's max_connections"],
    ['remaining connection slots are reserved for roles with the SUPERUSER attribute', "the server's max_connections"],
  ] as const) {
    const error = refused(words);
    expect(error).toMatchObject({ code: 'database-unreachable', hint: expect.stringContaining(limit) });
    expect(error.message).toBe(`shop at db.example:5433 as ann refused the connection: ${words} (SQLSTATE 53300)`);
    expect(error.hint).toContain('database.jobs');
    expect(sqlState(error)).toBe('53300');
  }
});

test.each<readonly [words: string, detail?: string]>([
  ['duplicate key value violates unique constraint "users_email"', 'Key (email)=(jane@x.org) already exists.'],
  ['insert or update violates foreign key constraint "fk"', 'Key (a, b)=(1, jane) is not present in table "t".'],
  [
    'conflicting key value violates exclusion constraint "e"',
    'Key (r)=([jane,)) conflicts with existing key (r)=(jane).',
  ],
  ['new row for relation "users" violates check constraint "c"', 'Failing row contains (1, jane (Mrs), null).'],
  ['no partition of relation "t" found for row', 'Partition key of the failing row contains (name) = (jane).'],
  ['invalid input syntax for type uuid: "jane "of" Roe"'],
  ['invalid input value for enum mood: "jane"'],
  ['malformed array literal: "{jane"', 'Array value must start with "{" or dimension information.'],
  ['date/time field value out of range: "jane"'],
  ['value "jane" is out of range for type integer'],
  ['syntax error in tsvector: "jane"'],
  ['invalid value "jane" for "YYYY"'],
  ['"jane" is not a valid binary digit'],
  ['invalid input syntax for type json', 'Expected ":", but found "jane".'],
  ['invalid input syntax for type json', 'Token "jane" is invalid.'],
  ['invalid XML content', 'line 1: Premature end of data in tag jane\n<jane>\n     ^'],
])('the value of a row is not shown: %s %s', (words = '', detail) => {
  const error = told(serverSays('23505', words, detail === undefined ? {} : { detail }));
  expect(`${error.message} ${error.hint}`).not.toContain('jane');
  for (const name of /"(?:users\w*|fk|t|e|c)"/.exec(words) ?? []) expect(error.message).toContain(name);
});
