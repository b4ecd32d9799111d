import { describe, expect, test } from 'vitest';
import { accountSeen, sessionSeen } from './account.ts';
import { versionsSeen } from './app.ts';
import { migrationSeen } from './both-databases.ts';
import { hostSeen, poolerSeen, secretSeen, serverSeen, standbySeen, tlsSeen } from './login-rows.ts';
import { diskSeen, holdsSeen, lockSeen, sessionsSeen } from './target-rows.ts';

// What is found, and what it means: the rows for which no wrong value can be arranged on this machine, or only dearly.
describe('the account', () => {
  test('that no STS tells is only compared where the config names none', () => {
    expect(accountSeen({ id: undefined }, undefined, 'aws.profile')).toMatch(/not known/);
    expect(accountSeen({ id: undefined }, '111111111111', 'aws.profile')).toMatchObject({ verdict: 'note' });
  });

  test('whose keys are renewed needs no word, however short they last', () => {
    expect(sessionSeen({}, 0, 'Log in.')).toBe('the keys do not expire');
    const keys = { expiration: new Date(900_000), sessionToken: 't' };
    expect(sessionSeen(keys, 0, 'Log in.')).toMatch(
      /good for 15 min 0 s, until .*; new ones are asked for before that$/,
    );
  });

  test('whose keys end soon, or nobody knows when, is told with what to do then', () => {
    const expected = { verdict: 'note', fix: expect.stringContaining('stops. Log in.') };
    expect(sessionSeen({ expiration: new Date(590_000) }, 0, 'Log in.')).toMatchObject(expected);
    expect(sessionSeen({ sessionToken: 't' }, 0, 'Log in.')).toMatchObject({
      ...expected,
      found: 'the keys are temporary, and nothing says until when',
    });
  });
});

describe('the host', () => {
  const pattern = '*.rds.amazonaws.com';

  test('must match as a whole, whatever the case', () => {
    expect(hostSeen(pattern, 'DB.abc.us-west-2.rds.amazonaws.com', 'target')).toMatch(/^DB/);
    for (const host of ['db.rds.amazonaws.com.evil', 'rds.amazonaws.com', 'db.rdsXamazonaws.com'])
      expect(hostSeen(pattern, host, 'target')).toMatchObject({
        verdict: 'wrong',
        found: `${host} is not ${pattern}`,
        fix: expect.stringContaining('target.expect.host'),
      });
  });

  test('without TLS is to know, but on loopback and inside a forwarder', () => {
    const off = { host: 'db.example.com', tls: 'disable' } as const;
    expect(tlsSeen(off, { tls: undefined })).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining('verify-full is the default'),
    });
    expect(tlsSeen({ ...off, host: '127.0.0.1' }, { tls: undefined })).toBe('off, on loopback');
    const tunnel = { program: 'ssh', lastWords: () => '', port: async () => 1, [Symbol.dispose]: () => {} };
    expect(tlsSeen({ ...off, tunnel }, { tls: undefined })).toBe('off, inside the forwarder');
    expect(tlsSeen({ ...off, tls: 'verify-full' }, { tls: 'TLSv1.3' })).toMatch(/verified: TLSv1\.3$/);
  });

  test('of a standby is to know at the source, and wrong at the target', () => {
    expect(standbySeen(true, 'source')).toMatchObject({ verdict: 'note' });
    expect(standbySeen(true, 'target')).toMatchObject({
      verdict: 'wrong',
      fix: "Name the primary's host in target.database.",
    });
  });

  test('behind a pooler in session mode is to know', () => {
    expect(poolerSeen({ pooled: true })).toMatchObject({ verdict: 'note', fix: expect.stringContaining('itself') });
  });

  test('that RDS does not call available is to know', () => {
    const server = {
      identifier: 'db',
      kind: 'instance',
      host: undefined,
      port: 5432,
      engine: 'postgres',
      engineVersion: '16.4',
      status: 'stopped',
      isAurora: false,
      allocatedBytes: undefined,
      isReplica: false,
      database: undefined,
      hasIamLogin: false,
    } as const;
    expect(serverSeen(server)).toMatchObject({ verdict: 'note', found: expect.stringContaining('stopped') });
    expect(serverSeen({ ...server, status: 'available', isReplica: true })).toMatch(/available, a replica$/);
  });
});

test('a secret is told by its fields, and what the config adds to it', () => {
  const secret = { user: 'u', password: 'p', host: 'h' };
  expect(secretSeen({ secret: 's', host: 'x', database: 'd' }, secret)).toBe(
    'it holds host, username, password; host and database by the config',
  );
});

describe('the disk', () => {
  const sizes = (own: number) => ({ own, server: own * 2 });

  test('is not guessed at where nobody knows it', () => {
    expect(diskSeen(sizes(1e9), sizes(1e9), undefined)).toMatch(/about 1\.0 GB .*is not known to SQL$/);
  });

  test('that has too little room left is to know', () => {
    expect(diskSeen(sizes(1e9), sizes(1e9), 5e9)).toMatch(/^about 3\.0 GB of 5\.0 GB are free/);
    expect(diskSeen(sizes(1e9), sizes(1e9), 2.5e9)).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining('keepPrevious'),
    });
  });
});

describe('what holds the target', () => {
  const origin = { host: 'h', port: 1, database: 'd', user: 'u', version: '18.4' };

  test('sessions that may not be ended are wrong', () => {
    const of = (mayEnd: boolean) => ({ origin, superuser: false, sessions: [{ user: 'app', count: 2, mayEnd }] });
    expect(sessionsSeen(of(false))).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('app (2)'),
      fix: expect.stringContaining('grant pg_signal_backend to "u"'),
    });
    expect(sessionsSeen(of(true))).toBe('2 sessions of others, which the swap ends');
  });

  test('transactions that are prepared are wrong, slots are to know', () => {
    const prepared = [{ id: "it's", owner: 'app', since: '2025-12-22 10:00 UTC' }];
    expect(holdsSeen({ prepared, slots: ['s'] })).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringContaining("rollback prepared 'it''s'"),
    });
    expect(holdsSeen({ prepared: [], slots: ['cdc'] })).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining("pg_drop_replication_slot('cdc')"),
    });
  });

  test('a run that is in progress is to know, with its holder', () => {
    expect(lockSeen('restage x (user y, since z)')).toMatchObject({
      verdict: 'note',
      found: 'it is being refreshed, by restage x (user y, since z)',
    });
  });
});

describe('the versions of both applications', () => {
  const version = (text: string | undefined, gitSha?: string) => ({ version: text, environment: 'e', gitSha });

  test('are as usual where the target runs the newer code', () => {
    expect(versionsSeen(version('1.3.0', 'a'), version('1.4.0-rc.2', 'b'))).toMatch(/the target runs the newer code/);
    expect(versionsSeen(version('1.9'), version('1.10'))).toMatch(/the target runs the newer code/);
  });

  test('are to know where the source runs the newer code', () => {
    expect(versionsSeen(version('v2.0.0', 'a'), version('1.4.0', 'b'))).toMatchObject({
      verdict: 'note',
      found: 'source v2.0.0 (a), target 1.4.0 (b): the source runs the newer code',
      fix: expect.stringContaining('Deploy it to the target first'),
    });
  });

  test('are not ordered where they are no numbers, and the same code is the same', () => {
    expect(versionsSeen(version('unknown', 'a'), version('1.0.0', 'b'))).toMatch(/cannot be told$/);
    expect(versionsSeen(version(undefined, 'a'), version('1.0.0', 'a'))).toMatch(/the same code$/);
    expect(versionsSeen(version('1.0.0'), version('1.0.0'))).toMatch(/the same version$/);
  });
});

describe('migrations', () => {
  const at = (name: string, revision: string | undefined) => ({ name, revision });

  test("that are pending are brought by staging's own code", () => {
    expect(migrationSeen(at('production', 'q01'), at('staging', 's23'), true)).toBe(
      "production q01, staging s23; staging's own code brings it forward after the copy",
    );
  });

  test('that are pending and that nothing brings are to know', () => {
    expect(migrationSeen(at('production', 'q01'), at('staging', 's23'), false)).toMatchObject({
      verdict: 'note',
      found: expect.stringContaining('afterwards staging is at q01'),
      fix: expect.stringContaining('migrate:'),
    });
  });

  test('that are not pending are said to be none', () => {
    expect(migrationSeen(at('production', 'q01'), at('staging', 'q01'), false)).toMatch(/nothing is pending$/);
    expect(migrationSeen(at('production', undefined), at('staging', undefined), false)).toMatch(/neither database/);
  });
});
