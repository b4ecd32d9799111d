import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../demo/free-port.ts';
import { invokeFunction, type InvokeOptions } from '../src/aws/invoke.ts';
import { folder, local, staging } from './local-aws-fixture.ts';
import { account, failure, region, useServers } from './servers-fixture.ts';

useServers();

const handlers = {
  echo: 'export const handler = async (event) => { console.log("heard"); return { event }; };',
  throw: 'export const handler = async () => { throw new TypeError("not like this"); };',
  late: 'export const handler = () => new Promise((wake) => setTimeout(wake, 60000));',
  never: `import { writeFileSync } from 'node:fs';
    export const handler = () => { writeFileSync('begun', ''); return new Promise((wake) => setTimeout(wake, 60000)); };`,
  eat: `const held = [];
    export const handler = async () => { for (;;) { held.push(Buffer.alloc(8 << 20, 1)); await new Promise((next) => setTimeout(next, 5)); } };`,
  exit: 'export const handler = async () => process.exit(3);',
  big: 'export const handler = async () => "x".repeat(7e6);',
  broken: 'import "./not-there.mjs"; export const handler = async () => 1;',
};

beforeAll(async () => {
  for (const [name, text] of Object.entries(handlers)) {
    const code = join(folder, 'code', name);
    await mkdir(code, { recursive: true });
    await writeFile(join(code, 'index.mjs'), text);
    const timeoutSeconds = name === 'late' ? 1 : 30;
    await local.putFunction({ account: staging.id, name, code, timeoutSeconds, memoryMebibytes: 192 });
  }
});

const waited = (name: keyof typeof handlers, event: unknown = {}) =>
  invokeFunction(account, name, event, { kind: 'wait' });

test('a function is given its event, and what it returns is given back, with the end of its log', async () => {
  const { requestId, answer, log } = await waited('echo', { text: 'ä €' });
  expect(answer).toEqual({ event: { text: 'ä €' } });
  expect(log).toContain(requestId);
  expect(log).toContain('heard');
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
});

test('an event is taken on without being waited for; a dry run invokes nothing', async () => {
  const before = (await local.invocations('echo')).length;
  expect(await invokeFunction(account, 'echo', {}, { kind: 'dry-run' })).toEqual({
    requestId: expect.stringMatching(/./),
  });
  const { requestId, ...more } = await invokeFunction(account, 'echo', { by: 'event' }, { kind: 'event' });
  expect(more).toEqual({});
  await expect.poll(async () => (await local.invocations('echo')).length).toBe(before + 1);
  expect((await local.invocations('echo')).at(-1)).toMatchObject({ requestId });
});

test.each([
  ['late', 'was killed at its time-out of 1 s', '--timeout 900'],
  ['eat', 'was killed for its memory: 192 MB were not enough', '--memory-size 1024'],
  ['exit', 'has ended in the middle: Runtime exited with error: exit status 3', 'restage status'],
  ['broken', 'cannot start: ', 'Deploy its code again'],
  ['throw', 'has failed: not like this (TypeError)', 'aws logs tail /aws/lambda/throw'],
  ['big', 'has ended, and its answer was too large for Lambda: ', 'target.lambda.runs'],
] as const)('a function that fails is told in a sentence: %s', async (name, words, hint) => {
  expect(await failure(waited(name))).toMatchObject({
    code: 'function-failed',
    message: expect.stringContaining(`the function ${name} (account ${staging.id}, ${region}) ${words}`),
    hint: expect.stringContaining(hint),
  });
});

test('a function that may run once at a time and does is told as that', async () => {
  const first = failure(waited('never'));
  await expect.poll(() => existsSync(join(folder, 'code', 'never', 'begun'))).toBe(true);
  expect(await failure(waited('never'))).toMatchObject({
    code: 'run-in-progress',
    message: expect.stringContaining('takes no other invocation now: Rate Exceeded'),
    hint: expect.stringContaining('Another one is under way'),
  });
  await local.killFunction('never');
  expect(await first).toMatchObject({ code: 'function-failed' });
});

test('an event that is too large is told as that', async () => {
  expect(await failure(invokeFunction(account, 'echo', 'x'.repeat(2e6), { kind: 'event' }))).toMatchObject({
    code: 'event-invalid',
    message: expect.stringContaining('the event is too large for Lambda: '),
  });
});

const where = `the function shop-sync (account ${staging.id}, ${region})`;
const match = { service: 'lambda', method: 'POST' } as const;

const invoked = (kind: InvokeOptions['kind'] = 'wait', more: Partial<InvokeOptions> = {}) =>
  failure(invokeFunction(account, 'shop-sync', {}, { kind, ...more }));

/** How often it was asked for. */
async function posts(): Promise<number> {
  const counted = (await local.requests()).filter(
    ({ service, operation }) => service === 'lambda' && !/^(Get|List)/.test(operation),
  );
  return counted.reduce((sum, { count }) => sum + count, 0);
}

test.each([
  [
    'TooManyRequestsException',
    429,
    'run-in-progress',
    `${where} takes no other invocation now: `,
    'Another one is under way',
  ],
  ['RequestTooLargeException', 413, 'event-invalid', 'the event is too large for Lambda: ', '6 MB'],
  ['InvalidRequestContentException', 400, 'event-invalid', 'Lambda does not take the event: ', 'JSON'],
  [
    'ResourceConflictException',
    409,
    'function-failed',
    `${where} cannot run: `,
    'aws lambda get-function-configuration --function-name shop-sync',
  ],
  ['KMSAccessDeniedException', 502, 'function-failed', `${where} cannot run: `, 'kms:Decrypt'],
  ['SubnetIPAddressLimitReachedException', 502, 'function-failed', `${where} cannot run: `, 'no free address'],
  ['EC2AccessDeniedException', 502, 'function-failed', `${where} cannot run: `, 'AWSLambdaVPCAccessExecutionRole'],
  ['ENILimitReachedException', 502, 'function-failed', `${where} cannot run: `, 'quota'],
  [
    'ServiceException',
    500,
    'function-failed',
    `Lambda itself has failed with ${where}: `,
    'restage status --on lambda',
  ],
  [
    'AccessDeniedException',
    403,
    'lambda-denied',
    `${where} cannot be invoked: `,
    'Allow lambda:InvokeFunction on it to arn:aws:iam::222222222222:user/writer.',
  ],
  [
    'ResourceNotFoundException',
    404,
    'lambda-missing',
    `${where} does not exist`,
    'The account has a function shop-sync',
  ],
  ['ExpiredTokenException', 403, 'credentials-failed', 'the keys of the profile staging have expired: ', 'staging'],
])('%s of Lambda is told with what to do, and asked for once', async (code, status, expected, message, hint) => {
  await local.inject({ match, kind: 'error', status, code, message: 'these are its words' });
  const error = await invoked();
  expect(error).toMatchObject({
    code: expected,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  });
  if (expected !== 'lambda-missing') expect((error as Error).message).toContain('these are its words');
  expect(await posts()).toBe(1);
});

test.each([
  ['wait', 'It may go on all the same: restage status --on lambda says how far it is.'],
  ['event', 'It may have been taken all the same: restage status --on lambda says how far it is.'],
] as const)(
  'a connection that is cut off says that the function may go on, and is not tried again: %s',
  async (kind, hint) => {
    await local.inject({ match, kind: 'reset' });
    expect(await invoked(kind)).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(
        `the connection with ${local.endpoint} was lost after 0 s, before the function shop-sync .* had answered`,
      ),
      hint: expect.stringContaining(hint),
    });
    expect(await posts()).toBe(1);
  },
);

test('an interrupt ends the waiting at once, and says that the function may go on', async () => {
  await local.inject({ match, kind: 'delay', delayMs: 60_000 });
  const began = Date.now();
  expect(await invoked('wait', { signal: AbortSignal.timeout(300) })).toMatchObject({
    code: 'interrupted',
    message: `interrupted while ${where} was waited for`,
    hint: expect.stringContaining('It may go on all the same'),
  });
  expect(Date.now() - began).toBeLessThan(30_000);
});

test('a Lambda that is not there is told by its address; nothing was sent, and nothing goes on', async () => {
  const lambda = `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
  const nowhere = { ...account, endpoints: { lambda } };
  const error = await failure(invokeFunction(nowhere, 'shop-sync', {}, { kind: 'wait' }));
  expect(error).toMatchObject({
    code: 'aws-unreachable',
    message: expect.stringMatching(new RegExp(`^cannot reach ${lambda}: .*ECONNREFUSED`)),
    hint: expect.not.stringContaining('go on'),
  });
});
