import { expect, test } from 'vitest';
import { openAccount } from '../src/aws/account.ts';
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
    expect(Date.now() - began).toBeLessThan(3000);
    await expect.poll(sockets, { timeout: 2000 }).toBe(0); // one would keep the process alive
  },
);
