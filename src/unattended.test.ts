import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { requireUnattended } from './unattended.ts';

const aws = { profile: 'staging', region: 'us-west-2' };
const stated = { ...aws, account: '222222222222' };
const endpoints = { s3: 'http://127.0.0.1:9000', sts: 'http://127.0.0.1:9000' };
const secret = { secret: 'staging/database' };
const at = (host: string) => ({ url: `postgres://restage:pass@${host}:5432/shop` });
const buckets = { images: 'shop-staging' };
const via = { command: ['ssh', '-L', '{localPort}:{host}:{port}', 'bastion'] };

/** Why --yes is not enough for a target; undefined where it is. `found` is the host that the secret turned out to hold. */
function refusal(target: object, found?: string): RestageError | undefined {
  const source = {
    name: 'production',
    aws,
    database: at('db.prod'),
    ...('buckets' in target ? { buckets: { images: 'shop' } } : {}),
  };
  const config = loadConfig({
    version: 1,
    source: { ...source },
    target: { name: 'staging', database: at('db.staging'), ...target },
  });
  const end =
    found === undefined
      ? undefined
      : ({ database: { address: { host: found } }, account: undefined } as Ends['target']); // all that is asked
  try {
    requireUnattended(config, end && { ends: { target: end } });
    return undefined;
  } catch (error) {
    if (error instanceof RestageError) return error;
    throw error;
  }
}

test.each([
  ['an account in the config', { aws: stated, database: secret, buckets }],
  ['an account, and the host of a database that it says nothing of', { aws: stated, expect: { host: 'db.staging' } }],
  ['an expected host, where there is no AWS', { expect: { host: 'db.staging' } }],
  ['a database on this machine', { database: at('127.0.0.1') }],
  ['a database on this machine, by IPv6', { database: at('[::1]') }],
  ['a database and a store on this machine', { database: at('localhost'), aws: { ...aws, endpoints }, buckets }],
  ['a secret that is not read yet', { aws, database: secret }],
])('%s lets a run go on without a person', (_what, target) => {
  expect(refusal(target)?.message).toBeUndefined();
});

test.each([
  ['a database elsewhere', {}, 'the database host db.staging', 'target: { expect: { host: "db.staging" } }'],
  [
    'a database in an account of any number',
    { aws },
    'the database host db.staging',
    'target: { aws: { account: "…" } }',
  ],
  [
    'an account, of a database that another name leads to',
    { aws: stated, buckets },
    'the database host db.staging',
    'target: { expect: { host: "db.staging" } }',
  ],
  ['S3 itself', { aws, database: at('localhost'), buckets }, 'S3 is not on this machine', 'account'],
  [
    'a store elsewhere',
    { aws: { ...aws, endpoints: { s3: 'http://127.0.0.1.store.example' } }, database: at('localhost'), buckets },
    'the store http://127.0.0.1.store.example',
    'account',
  ],
  ['an expected host beside AWS', { aws, expect: { host: 'db.staging' } }, 'db.staging', 'account'],
  [
    'a forwarder, whose host is as its other end sees it',
    { database: { host: '127.0.0.1', database: 'shop', user: 'restage', auth: 'iam', via }, aws },
    'the database behind database.via',
    'account',
  ],
  ['a pattern that every host fits', { expect: { host: '*.*' } }, 'the database host db.staging', 'host: "db.staging"'],
  ['a name that begins like this machine', { database: at('127.0.0.1.db.example') }, '127.0.0.1.db.example', 'expect'],
])('%s does not', (_what, target, says, hints) => {
  const error = refusal(target);
  expect(error?.code).toBe('not-confirmed');
  expect(error?.message).toContain(says);
  expect(error?.hint).toContain(hints);
});

test('a secret counts by the host that it holds', () => {
  expect(refusal({ aws, database: secret }, '127.0.0.1')).toBeUndefined();
  expect(refusal({ aws, database: secret }, 'db.staging')?.message).toContain(
    'the database host db.staging is not on this machine',
  );
});

test('a part of the target that is not concerned need not be stated', () => {
  const config = loadConfig({
    version: 1,
    source: { name: 'production', aws, database: at('db.prod'), buckets: { images: 'shop' } },
    target: { name: 'staging', aws: { ...aws, endpoints }, database: at('db.staging'), buckets },
  });
  expect(() => requireUnattended(config, { only: 'objects' })).not.toThrow();
  expect(() => requireUnattended(config, { only: 'database' })).toThrow('the database host db.staging');
});
