import { DatabaseError, type Client } from 'pg';
import { expect, test } from 'vitest';
import { RestageError } from '../errors.ts';
import { askAbout } from './vanished.ts';

const answer = (error: Error) =>
  askAbout(undefined, async (): Promise<Client> => {
    throw error;
  });
const tooMany = new DatabaseError('sorry, too many clients already', 0, 'error');

test.each([
  ['that has no room for another session', tooMany],
  ['told as restage tells it', new RestageError('database-unreachable', 'no room', { cause: tooMany })],
  ['whose keys have expired since', new RestageError('credentials-failed', 'the session has expired')],
  ['whose password was changed since', new RestageError('database-login', 'no')],
  ['whose certificate is not trusted any more', new RestageError('tls-failed', 'expired')],
])('a server %s says nothing against a session that is open', async (_what, error) => {
  expect(await answer(error)).toBe('working');
});

test.each([
  new RestageError('database-unreachable', 'cannot reach', { cause: new Error('timeout expired') }),
  new RestageError('host-unknown', 'cannot reach'),
  new RestageError('tunnel-failed', 'ssh ended'),
  new Error('Query read timeout'),
])('no way to a server is told as that: %s', async (error) => {
  expect(await answer(error)).toBe(error);
});
