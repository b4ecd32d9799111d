import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvokeCommand, LambdaClient, type InvokeCommandInput } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FunctionInvocation, FunctionSettings } from '../demo/local-aws/local-aws.ts';
import { folder, local, production, settings, staging, useLocalAws } from './local-aws-fixture.ts';

useLocalAws();

const run = promisify(execFile);
const role = `arn:aws:iam::${production.id}:role/runner`;
const handlers = {
  echo: 'export const handler = async (event, context) => { console.log("got\\nit"); return { event, id: context.awsRequestId }; };',
  context: `let calls = 0;
    export const handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis(), calls: (calls += 1),
      variables: process.env, cwd: process.cwd(), argv: process.execArgv });`,
  throw: 'export const handler = async () => { throw new TypeError("not like this"); };',
  // Until somebody opens it: what is there to be seen in the meantime is, however slow the machine.
  gate: `import { existsSync, writeFileSync } from 'node:fs';
    export const handler = async ({ gate }) => { if (!gate) return; writeFileSync(gate + '.begun', '');
      while (!existsSync(gate)) await new Promise((next) => setTimeout(next, 20)); };`,
  eat: `const held = [];
    export const handler = async () => { for (;;) { held.push(Buffer.alloc(8 << 20, 1)); await new Promise((next) => setTimeout(next, 5)); } };`,
  exit: 'export const handler = async ({ status }) => process.exit(status);',
  reject:
    'export const handler = async () => { Promise.reject(new Error("alone")); await new Promise((wake) => setTimeout(wake, 500)); };',
  never: 'export const handler = () => new Promise(() => undefined);',
  big: 'export const handler = async ({ bytes }) => "x".repeat(bytes - 2);',
  broken: 'import "./not-there.mjs"; export const handler = async () => 1;',
  nameless: 'export const other = async () => 1;',
  still: 'export const handler = async () => ({ calls: process.pid });',
  child: `import { spawn } from 'node:child_process';
    export const handler = async () => { const child = spawn('/bin/sleep', ['60']); console.log('child', child.pid); await new Promise((wake) => setTimeout(wake, child.pid && 60000)); };`,
} as const;
type Name = keyof typeof handlers;

beforeAll(async () => {
  await local.putRole({ account: production.id, name: 'runner', trusts: [] });
  for (const name of Object.keys(handlers) as Name[]) {
    const code = join(folder, 'code', name);
    await mkdir(code, { recursive: true });
    await writeFile(join(code, 'index.mjs'), handlers[name]);
    await put(name);
  }
});

function put(name: Name, more: Partial<FunctionSettings> = {}): Promise<void> {
  const code = join(folder, 'code', name);
  return local.putFunction({ account: production.id, name, timeoutSeconds: 30, role, code, ...more });
}

/** What the handlers above return, and what errors look like; a text has a length. */
interface Answer {
  readonly event: unknown;
  readonly id: string;
  readonly length: number;
  readonly calls: number;
  readonly left: number;
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

interface Invoked {
  readonly status: number | undefined;
  readonly requestId: string;
  readonly error: string | undefined;
  readonly answer: Answer;
  readonly log: string;
}

const client = (keys = production) => new LambdaClient(settings(keys));

async function invoke(name: string, event: unknown = {}, more: Partial<InvokeCommandInput> = {}): Promise<Invoked> {
  const input = { FunctionName: name, Payload: Buffer.from(JSON.stringify(event)), LogType: 'Tail', ...more } as const;
  const output = await client().send(new InvokeCommand(input));
  const text = output.Payload?.transformToString() ?? '';
  return {
    status: output.StatusCode,
    requestId: output.$metadata.requestId ?? '',
    error: output.FunctionError,
    answer: JSON.parse(text === '' ? 'null' : text),
    log: Buffer.from(output.LogResult ?? '', 'base64').toString(),
  };
}

/** An invocation that is under way, until the file is there that it waits for. */
async function atGate(name: string): Promise<{ readonly gate: string; readonly running: Promise<Invoked> }> {
  const gate = join(folder, `${name}.open`);
  const running = invoke(name, { gate });
  await expect.poll(() => existsSync(`${gate}.begun`)).toBe(true);
  return { gate, running };
}

/** Those of the function, once so many have ended. */
async function ended(name: string, count: number): Promise<readonly FunctionInvocation[]> {
  for (;;) {
    const all = await local.invocations(name);
    if (all.filter(({ outcome }) => outcome !== 'running').length >= count) return all;
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** As ps has it: T is stopped; Z, or nothing, has ended. */
async function stateOf(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout;
}

test('a function is given its event and what it is, and gives back what it returns', async () => {
  const event = { text: 'ä €', list: [1, null] };
  const first = await invoke('echo', event);
  expect(first).toMatchObject({ status: 200, error: undefined, answer: { event, id: first.requestId } });
  expect(first.log).toMatch(
    new RegExp(
      `^INIT_START .*\\nSTART RequestId: ${first.requestId} Version: \\$LATEST\\n` +
        `\\S+Z\\t${first.requestId}\\tINFO\\tgot\\rit\\nEND RequestId: ${first.requestId}\\n` +
        `REPORT RequestId: ${first.requestId}\\tDuration: [\\d.]+ ms\\tBilled Duration: \\d+ ms\\t` +
        'Memory Size: 128 MB\\tMax Memory Used: \\d+ MB\\tInit Duration: [\\d.]+ ms\\t\\n$',
    ),
  );
  const again = await invoke('echo', 'again');
  expect(again.answer.event).toBe('again');
  expect(again.log).not.toContain('Init Duration');
  const [cold, warm] = await local.invocations('echo');
  expect(cold).toMatchObject({
    requestId: first.requestId,
    type: 'RequestResponse',
    outcome: 'succeeded',
    log: first.log,
  });
  expect(cold?.initMs).toBeGreaterThan(1);
  expect(warm?.initMs).toBeUndefined();
  expect(warm?.peakBytes).toBeGreaterThan(20 * 1024 * 1024);
});

test("a function's process has its variables and nothing of this machine's, and is kept for the next event", async () => {
  await put('context', { memoryMebibytes: 256, timeoutSeconds: 20, environment: { MODE: 'staging' } });
  const { answer, requestId } = await invoke('context');
  const arn = `arn:aws:lambda:us-east-1:${production.id}:function:context`;
  expect(answer).toMatchObject({
    functionName: 'context',
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: '256',
    awsRequestId: requestId,
    logGroupName: '/aws/lambda/context',
    cwd: join(folder, 'code', 'context'),
    calls: 1,
  });
  expect(answer.left).toBeGreaterThan(1000);
  expect(answer.left).toBeLessThanOrEqual(20_000);
  expect(answer.argv.filter((flag: string) => flag.includes('experimental'))).toEqual([]);
  expect(answer.variables).toMatchObject({
    MODE: 'staging',
    _HANDLER: 'index.handler',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: 'context',
    AWS_REGION: 'us-east-1',
    TZ: ':UTC',
  });
  // The shell that the process starts from adds PWD.
  const known = /^(?:AWS_|_X_AMZN_|LAMBDA_)|^(?:PATH|LANG|TZ|HOME|TMPDIR|_HANDLER|MODE|PWD)$/;
  expect(Object.keys(answer.variables).filter((name) => !known.test(name))).toEqual([]);
  expect((await invoke('context')).answer.calls).toBe(2);
});

test('between its events a function stands still', async () => {
  const pid = (await invoke('still')).answer.calls;
  await expect.poll(() => stateOf(pid)).toMatch(/^T/);
  expect((await invoke('still')).answer.calls).toBe(pid);
});

test('a handler that throws is a function error with its name, message and trace', async () => {
  const { status, error, answer, log } = await invoke('throw');
  expect({ status, error }).toEqual({ status: 200, error: 'Unhandled' });
  expect(answer).toMatchObject({ errorType: 'TypeError', errorMessage: 'not like this' });
  expect(answer.trace[0]).toBe('TypeError: not like this');
  expect(log).toContain('ERROR\tInvoke Error');
  expect(await local.invocations('throw')).toMatchObject([{ outcome: 'failed', errorType: 'TypeError' }]);
});

test('at its time-out a function is killed, with the processes it has started', async () => {
  await put('child', { timeoutSeconds: 2 });
  const { requestId, error, answer, log } = await invoke('child');
  expect(error).toBe('Unhandled');
  expect(answer).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after 2.00 seconds`,
  });
  expect(log).toContain(`${requestId} Task timed out after 2.00 seconds`);
  expect(log).toContain('Status: timeout');
  const child = /child (\d+)/.exec(log)?.[1];
  expect(child).toMatch(/^\d+$/);
  await expect.poll(() => stateOf(Number(child))).toMatch(/^(Z|$)/);
  // The next one starts anew.
  await put('child', { timeoutSeconds: 0.2 });
  expect((await invoke('child')).log).toContain('Init Duration');
});

test.runIf(process.platform === 'linux')('a function that takes more memory than it has is killed', async () => {
  await put('eat', { timeoutSeconds: 10 });
  const { requestId, error, answer, log } = await invoke('eat');
  expect(error).toBe('Unhandled');
  expect(answer).toEqual({
    errorType: 'Runtime.OutOfMemory',
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
  });
  expect(log).toContain('Memory Size: 128 MB\tMax Memory Used: 128 MB');
  expect(log).toContain('Status: error\tError Type: Runtime.OutOfMemory');
});

describe('a process that ends of itself', () => {
  test.each([
    [{ status: 3 }, 'Runtime exited with error: exit status 3'],
    [{ status: 0 }, 'Runtime exited without providing a reason'],
  ])('with %j is told as that', async (event, words) => {
    const { requestId, error, answer } = await invoke('exit', event);
    expect(error).toBe('Unhandled');
    expect(answer).toEqual({ errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${words}` });
  });

  test.each([
    ['reject', 'Runtime.UnhandledPromiseRejection', 'Error: alone'],
    ['never', 'Runtime.NodeJsExit', 'neither returned nor thrown'],
    ['broken', 'Runtime.ImportModuleError', 'Cannot find module'],
    ['nameless', 'Runtime.HandlerNotFound', 'index.handler is undefined or not exported'],
  ])('as %s does is %s', async (name, errorType, words) => {
    const { error, answer } = await invoke(name);
    expect(error).toBe('Unhandled');
    expect(answer).toMatchObject({ errorType, errorMessage: expect.stringContaining(words) });
  });
});

test('a function without code has no module to import', async () => {
  await local.putFunction({ account: production.id, name: 'bare' });
  const { error, answer } = await invoke('bare');
  expect(error).toBe('Unhandled');
  expect(answer).toMatchObject({
    errorType: 'Runtime.ImportModuleError',
    errorMessage: expect.stringContaining("Cannot find module 'index'"),
  });
});

test('an answer may have 6,291,556 bytes, and not one more', async () => {
  await put('big', { timeoutSeconds: 10, memoryMebibytes: 256 });
  expect((await invoke('big', { bytes: 6_291_556 })).answer).toHaveLength(6_291_554);
  const { error, answer } = await invoke('big', { bytes: 6_291_557 });
  expect(error).toBe('Unhandled');
  expect(answer).toEqual({
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
  });
});

test('an event of more than 6 MiB, or of 1 MiB where it is not waited for, is refused', async () => {
  const refusal = { name: 'RequestTooLargeException', $metadata: { httpStatusCode: 413 } };
  await expect(invoke('echo', 'x'.repeat(6_291_455))).rejects.toMatchObject(refusal);
  await expect(invoke('echo', 'x'.repeat(1_048_575), { InvocationType: 'Event' })).rejects.toMatchObject(refusal);
});

test('a dry run says whether the function might be invoked, and does not invoke it', async () => {
  const count = (await local.invocations('echo')).length;
  expect(await invoke('echo', {}, { InvocationType: 'DryRun' })).toMatchObject({ status: 204, answer: null });
  await expect(invoke('nobody', {}, { InvocationType: 'DryRun' })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  expect(await local.invocations('echo')).toHaveLength(count);
});

test('of a function that runs as often as it may, an invocation is refused and an event waits', async () => {
  const { gate, running } = await atGate('gate');
  const event = await invoke('gate', {}, { InvocationType: 'Event' });
  expect(event).toMatchObject({ status: 202, answer: null });
  await expect(invoke('gate')).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    $metadata: { httpStatusCode: 429 },
  });
  expect(await local.waitingEvents('gate')).toBe(1);
  await writeFile(gate, '');
  await running;
  expect(await ended('gate', 2)).toMatchObject([
    { type: 'RequestResponse', outcome: 'succeeded' },
    { type: 'Event', requestId: event.requestId, outcome: 'succeeded' },
  ]);
  expect(await local.waitingEvents('gate')).toBe(0);
});

test('an event can be delivered twice, with the same request id', async () => {
  await put('echo', { name: 'twice' });
  const { requestId } = await invoke('twice', { a: 1 }, { InvocationType: 'Event' });
  await local.deliverAgain(requestId);
  const both = await ended('twice', 2);
  expect(both.map((one) => one.requestId)).toEqual([requestId, requestId]);
  expect(both.map((one) => JSON.parse(one.answer ?? ''))).toEqual([
    { event: { a: 1 }, id: requestId },
    { event: { a: 1 }, id: requestId },
  ]);
});

test('an event that fails is tried again only where the function is set so', async () => {
  await put('throw', { name: 'once' });
  await put('throw', { name: 'thrice', maximumRetryAttempts: 2 });
  await invoke('once', {}, { InvocationType: 'Event' });
  const { requestId } = await invoke('thrice', {}, { InvocationType: 'Event' });
  const tried = await ended('thrice', 3);
  expect(tried.map((one) => [one.requestId, one.outcome])).toEqual([1, 2, 3].map(() => [requestId, 'failed']));
  expect(await ended('once', 1)).toHaveLength(1);
});

test('a function that is killed says so, and works again', async () => {
  await put('gate', { name: 'victim', timeoutSeconds: 60 });
  const { running } = await atGate('victim');
  await local.killFunction('victim');
  expect((await running).answer).toMatchObject({
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringContaining('signal: killed'),
  });
  expect((await invoke('victim')).error).toBeUndefined();
});

test('an answer can be lost after the function has run', async () => {
  await put('echo', { name: 'lost' });
  await local.inject({ match: { operation: 'Invoke' }, times: 1, kind: 'lose-answer' });
  await expect(invoke('lost')).rejects.toThrow();
  expect(await local.invocations('lost')).toMatchObject([{ outcome: 'succeeded' }]);
  await local.inject({
    match: { operation: 'Invoke' },
    times: 1,
    kind: 'error',
    status: 500,
    code: 'ServiceException',
    message: 'x',
  });
  await expect(invoke('lost')).rejects.toMatchObject({ name: 'ServiceException' });
  expect(await local.invocations('lost')).toHaveLength(1);
});

test("another account's function is nobody else's", async () => {
  const arn = `arn:aws:lambda:us-east-1:${production.id}:function:echo`;
  await expect(client(staging).send(new InvokeCommand({ FunctionName: arn }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('lambda:InvokeFunction'),
  });
});
