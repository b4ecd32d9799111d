import { expect, test } from 'vitest';
import { functionFailure } from './function-failure.ts';
import type { Account } from './account.ts';
import { logCommand, plainName } from './function-log.ts';

const account = { flags: '--profile staging --region us-west-2' } as Account; // all that is looked at

const failure = (errorType: string, errorMessage: string, log = '') =>
  functionFailure({ errorType, errorMessage, log }, account, { name: 'shop-sync', where: 'the function shop-sync' });

test.each([
  ['2026-01-31T03:15:00.123Z 8f5f6a4e-0000 Task timed out after 300.00 seconds', ''],
  ['RequestId: 8f5f6a4e-0000 Error: Task timed out after 300.00 seconds', 'Sandbox.Timedout'],
])('a function that was killed at its time-out is told with that, and how to give it more: %s', (message, type) => {
  const error = failure(type, message);
  expect(error).toMatchObject({
    code: 'function-failed',
    message: 'the function shop-sync was killed at its time-out of 300 s',
  });
  expect(error.hint).toContain(
    'aws lambda update-function-configuration --function-name shop-sync --profile staging --region us-west-2 --timeout 900',
  );
  expect(error.hint).toContain('aws logs tail /aws/lambda/shop-sync --since 1h --profile staging --region us-west-2');
});

const report =
  'REPORT RequestId: 8f\tDuration: 100.00 ms\tBilled Duration: 100 ms\tMemory Size: 768 MB\tMax Memory Used: 768 MB';

test.each([
  ['Runtime.OutOfMemory', 'RequestId: 8f Error: Runtime exited with error: signal: killed', report],
  ['Runtime.ExitError', 'RequestId: 8f Error: Runtime exited with error: signal: killed', report],
  [
    'Runtime.ExitError',
    'RequestId: 8f Error: Runtime exited with error: signal: aborted',
    `FATAL ERROR: JavaScript heap out of memory\n${report}`,
  ],
])('a function that had too little memory is told with how much it had: %s, %s', (type, message, log) => {
  const error = failure(type, message, log);
  expect(error.message).toMatch(
    /^the function shop-sync was killed for its memory: 768 MB were not enough \(Runtime exited/,
  );
  expect(error.hint).toContain('--memory-size 1536');
});

test('a function that was killed with most of its memory free is not told to have had too little', () => {
  const log = report.replace('Max Memory Used: 768', 'Max Memory Used: 184');
  const error = failure('Runtime.ExitError', 'RequestId: 8f Error: Runtime exited with error: signal: killed', log);
  expect(error.message).toBe(
    'the function shop-sync was killed: Runtime exited with error: signal: killed; it had used 184 of 768 MB',
  );
  expect(error.hint).toContain('Begin another run');
});

test.each([
  [
    'Runtime.ImportModuleError',
    "Error: Cannot find module 'index'",
    'cannot start: Error: Cannot find module',
    'Deploy its code again',
  ],
  [
    'Runtime.HandlerNotFound',
    'index.handler is undefined or not exported',
    'cannot start: index.handler is undefined',
    'index.handler',
  ],
  [
    'Runtime.ExitError',
    'RequestId: 8f Error: Runtime exited with error: exit status 1',
    'has ended in the middle: Runtime exited with error: exit status 1',
    'restage status',
  ],
  [
    'Function.ResponseSizeTooLarge',
    'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    'answer was too large for Lambda: Response payload size',
    'target.lambda.runs',
  ],
  ['TypeError', 'x is not a function', 'has failed: x is not a function (TypeError)', 'restage status'],
  ['', '', 'has failed: it says nothing', 'restage status'],
])('a function that failed is told in its own words: %s', (type, message, words, hint) => {
  const error = failure(type, message);
  expect(error.message).toMatch(/^the function shop-sync /);
  expect(error.message).toContain(words);
  expect(error.hint).toContain(hint);
});

test.each([
  'shop-sync',
  'shop-sync:live',
  '222222222222:function:shop-sync',
  'arn:aws:lambda:us-west-2:222222222222:function:shop-sync:3',
])('the log of a function is named by its name alone: %s', (name) => {
  expect(plainName(name)).toBe('shop-sync');
  expect(logCommand(account, name)).toContain(' /aws/lambda/shop-sync ');
  expect(logCommand(account, name, '/restage/shop-sync')).toContain(' /restage/shop-sync ');
});
