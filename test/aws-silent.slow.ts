import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAccount } from '../src/aws/account.ts';
import { invokeFunction } from '../src/aws/invoke.ts';
import { readParameter } from '../src/aws/parameter.ts';
import { fetchVariables } from '../src/remote/config-variables.ts';
import { folder, local, staging, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles } from './profiles.ts';

useLocalAws();

test('an STS that never answers, as from a VPC without a route, is told within half a minute', async () => {
  await local.inject({ match: { service: 'sts' }, kind: 'delay', delayMs: 60_000 });
  const files = await writeProfiles(folder, { staging: keysOf(staging) });
  const began = Date.now();
  const settings = { profile: 'staging', region: 'us-west-2', endpoints: local.endpoints };
  await expect(openAccount(settings, files)).rejects.toMatchObject({
    code: 'aws-unreachable',
    message: expect.stringContaining(`cannot reach ${local.endpoint}: `),
  });
  expect(Date.now() - began).toBeLessThan(30_000);
});

test.each([{}, { assumeRole: { role: 'arn:aws:iam::222222222222:role/any' } }])(
  'an interrupt ends what AWS does not answer: %j',
  async (more) => {
    await local.inject({ match: { service: 'sts' }, kind: 'delay', delayMs: 60_000 });
    const files = await writeProfiles(folder, { staging: keysOf(staging) });
    const settings = { profile: 'staging', region: 'us-west-2', endpoints: local.endpoints, ...more };
    const began = Date.now();
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await expect(openAccount(settings, files, AbortSignal.timeout(500))).rejects.toMatchObject({ code: 'interrupted' });
    expect(Date.now() - began).toBeLessThan(30_000);
    await expect.poll(sockets).toBe(0); // one would keep the process alive
  },
);

test('each service that never answers is told by its name, and a function that is slow is not asked again', async () => {
  const files = await writeProfiles(folder, { staging: keysOf(staging) });
  const account = await openAccount({ profile: 'staging', region: 'us-west-2', endpoints: local.endpoints }, files);
  const code = join(folder, 'slow');
  await mkdir(code);
  await writeFile(
    join(code, 'index.mjs'),
    'export const handler = () => new Promise((wake) => setTimeout(wake, 60_000));',
  );
  await local.putFunction({ account: staging.id, name: 'slow', code, timeoutSeconds: 60 });
  for (const service of ['ssm', 'secretsmanager'] as const)
    await local.inject({ match: { service }, kind: 'delay', delayMs: 60_000 });
  const began = Date.now();
  await Promise.all([
    expect(readParameter(account, '/a')).rejects.toMatchObject({
      code: 'aws-unreachable',
      hint: expect.stringContaining('aws.endpoints.ssm'),
    }),
    expect(fetchVariables('a', account)).rejects.toMatchObject({
      code: 'aws-unreachable',
      hint: expect.stringContaining('aws.endpoints.secretsManager'),
    }),
    expect(invokeFunction(account, 'slow', {}, { kind: 'wait', timeoutMs: 3000 })).rejects.toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(/was lost after 18 s, before the function slow .* had answered/),
      hint: expect.stringContaining('It may go on all the same'),
    }),
  ]);
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(await local.invocations('slow')).toHaveLength(1);
});
