import { describe, expect, test } from 'vitest';
import { keepSecret } from '../errors.ts';
import { loadConfig, RestageError, type InvocationResponse } from '../index.ts';
import { readEvent } from './read-event.ts';
import { answered, fitted, mostBytes, refused } from './response.ts';

const size = (response: InvocationResponse) => Buffer.byteLength(JSON.stringify(response));

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test.each([
  [0, 200],
  [1, 500],
  [2, 400],
  [3, 409],
  [4, 422],
  [130, 500],
] as const)('the exit code %d is the status code %d', (exitCode, statusCode) => {
  expect(answered({ exitCode })).toEqual({ statusCode, exitCode });
  expect(answered({ exitCode }, true).statusCode).toBe(202);
});

describe('what was refused', () => {
  test('has the code, the words and the hint', () => {
    expect(refused(new RestageError('protected', 'it is protected', { hint: 'look' }), { action: 'sync' })).toEqual({
      statusCode: 409,
      exitCode: 3,
      action: 'sync',
      error: { code: 'protected', message: 'it is protected', hint: 'look' },
    });
  });

  test('has each problem of an event, and of a configuration', () => {
    expect(refused(thrownBy(() => readEvent({ sql: 1 })))).toMatchObject({
      statusCode: 400,
      error: { code: 'event-invalid', problems: [{ path: 'sql' }] },
    });
    expect(refused(thrownBy(() => loadConfig('version: 1')))).toMatchObject({
      statusCode: 400,
      error: { code: 'config-invalid', problems: [{ path: 'source' }, { path: 'target' }] },
    });
  });

  test('of an error that nobody expected is internal, and no success', () => {
    expect(refused(new TypeError('x is undefined'))).toEqual({
      statusCode: 500,
      exitCode: 1,
      error: { code: 'internal', message: 'x is undefined' },
    });
  });
});

describe('an answer that Lambda would not take', () => {
  const result = {
    synced: [{ table: 'books', rows: 153 }],
    failed: [],
    totalRows: 153,
    validation: { equal: 1, different: [] },
    sequencesFixed: 2,
  };
  const figures = { tables: { planned: 1, copied: 1, rows: 153 } };
  const report = (text: string) => ({
    run: 'r',
    outcome: 'done',
    figures,
    holds: 'staging holds it',
    steps: [{ text }],
  });
  const answer = (text: string, more: Partial<InvocationResponse> = {}): InvocationResponse => ({
    statusCode: 200,
    exitCode: 0,
    action: 'sync',
    runId: 'r',
    report: report(text),
    result,
    ...more,
  }); // as much of a report as matters

  test('to the byte is whole', () => {
    const room = mostBytes - size(answer(''));
    expect(fitted(answer('x'.repeat(room)))).toEqual(answer('x'.repeat(room)));
    expect(fitted(answer('x'.repeat(room + 1)))).not.toEqual(answer('x'.repeat(room + 1)));
  });

  test('leaves the report where it is kept', () => {
    const reportAt = 's3://runs/r/report.json';
    expect(fitted(answer('x'.repeat(mostBytes), { reportAt }))).toEqual({
      statusCode: 200,
      exitCode: 0,
      action: 'sync',
      runId: 'r',
      result,
      reportAt,
    });
  });

  test('keeps what matters where the report is kept nowhere, and says where it could be', () => {
    expect(fitted(answer('漢'.repeat(mostBytes / 3)))).toMatchObject({
      statusCode: 200,
      exitCode: 0,
      result,
      report: {
        outcome: 'done',
        figures,
        holds: 'staging holds it',
        leftOut: expect.stringContaining('target.lambda.runs') as string,
      },
    });
  });

  test('shortens lists of very many tables, and never loses how it ended', () => {
    const many = Array.from({ length: 60_000 }, (_, number) => ({
      table: `${'t'.repeat(120)}${number}`,
      rows: number,
    }));
    const fit = fitted(answer('', { result: { ...result, synced: many } }));
    expect(size(fit)).toBeLessThanOrEqual(mostBytes);
    expect(fit).toMatchObject({ statusCode: 200, exitCode: 0, runId: 'r', result: { totalRows: 153 } });
    const failed = many.slice(0, 1000).map(({ table }) => ({ table, error: 'e'.repeat(10_000) }));
    const failure = { code: 'data-differs', message: 'm'.repeat(20_000) } as const;
    const least = fitted(answer('', { statusCode: 500, exitCode: 1, error: failure, result: { ...result, failed } }));
    expect(size(least)).toBeLessThanOrEqual(mostBytes);
    expect(least).toMatchObject({ statusCode: 500, exitCode: 1, runId: 'r', error: { code: 'data-differs' } });
  });

  test('has no secret in it', () => {
    keepSecret('open-sesame-88');
    expect(JSON.stringify(fitted(answer('the key open-sesame-88')))).not.toContain('open-sesame-88');
  });
});
