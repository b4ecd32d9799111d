import { expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { onLambda } from './on-lambda.ts';

const role = (name: string) => ({ role: `arn:aws:iam::111111111111:role/${name}` });

function inside(aws: object, database: object = { secret: 's' }) {
  const end = { name: 'production', aws: { region: 'eu-west-1', account: '111111111111', ...aws }, database };
  const target = { name: 'staging', aws: { profile: 'bmx-staging' }, database: { secret: 't' } };
  const config = onLambda(loadConfig({ version: 1, source: end, target }));
  return { source: config.source, target: config.target };
}

test("in the function its own role stands in the place of a profile; the account's guard and the region stay", () => {
  const { source, target } = inside({ profile: 'bmx-prod', endpoints: { s3: 'http://127.0.0.1:1' } });
  expect(source.aws).toEqual({
    ambient: true,
    region: 'eu-west-1',
    account: '111111111111',
    endpoints: { s3: 'http://127.0.0.1:1' },
  });
  expect(target.aws).toEqual({ ambient: true });
});

test.each([
  ['that onLambda names', { profile: 'p', onLambda: { assumeRole: role('in') } }, role('in')],
  [
    "that onLambda names, not the profile's",
    { profile: 'p', assumeRole: role('out'), onLambda: { assumeRole: role('in') } },
    role('in'),
  ],
  ['of ambient keys, which are ambient here too', { ambient: true, assumeRole: role('out') }, role('out')],
  ['none: what a profile takes on is its own', { profile: 'p', assumeRole: role('out') }, undefined],
  ['none: onLambda says so', { ambient: true, assumeRole: role('out'), onLambda: {} }, undefined],
])('in the function an end takes on the role %s', (_which, aws, expected) => {
  expect(inside(aws).source.aws?.assumeRole).toEqual(expected);
});

test('in the function no forwarder stands before a database: it is in its network', () => {
  const via = { command: ['ssh', '-L', '{localPort}:{host}:{port}', 'jump'] };
  const { source } = inside({ profile: 'p' }, { secret: 's', host: 'db.internal', via });
  expect(source.database).toEqual({ secret: 's', host: 'db.internal' });
});

test('an end without an account, or without a database, stays so', () => {
  const config = loadConfig({
    version: 1,
    source: { name: 'p', database: { url: 'postgres://a:b@h/d' } },
    target: { name: 't', database: { url: 'postgres://a:b@h/e' } },
  });
  expect(onLambda(config)).toEqual(config);
});
