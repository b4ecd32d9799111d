import { expect, test } from 'vitest';
import { endLines, InvocationLog } from './lambda-log.ts';

const measures = { requestId: 'r', durationMs: 12.345, initMs: undefined, memoryMebibytes: 128, peakBytes: 70_000_000 };

test('the report is written as Lambda writes it', () => {
  expect(endLines(measures)).toBe(
    'END RequestId: r\nREPORT RequestId: r\tDuration: 12.35 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t\n',
  );
  expect(endLines({ ...measures, initMs: 100, end: { status: 'error', errorType: 'Runtime.ExitError' } })).toContain(
    'Billed Duration: 113 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\tInit Duration: 100.00 ms\tStatus: error\tError Type: Runtime.ExitError\t\n',
  );
});

test('no more memory is reported than the function has', () => {
  expect(endLines({ ...measures, peakBytes: 1e9 })).toContain('Max Memory Used: 128 MB');
});

test('of a long log the end is kept', () => {
  const log = new InvocationLog();
  for (let line = 0; line < 3000; line += 1) log.add(`${'x'.repeat(1000)} ${line}\n`);
  const kept = log.toString();
  expect(kept).toHaveLength(1024 * 1024);
  expect(kept.endsWith('x 2999\n')).toBe(true);
});
