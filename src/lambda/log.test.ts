import { expect, test } from 'vitest';
import { keepSecret } from '../errors.ts';
import { logLine, openLog } from './log.ts';

const most = 256 * 1024 - 26;

test('a line is one JSON object with the time, the run and the request', () => {
  const lines: string[] = [];
  const log = openLog('a-request', (line) => void lines.push(line));
  log.write({ kind: 'invoked' });
  log.run = '20261122-030000-ab12';
  log.write({ kind: 'step-started', step: 'swap', text: 'two\nlines' });
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    { time: expect.any(String) as string, requestId: 'a-request', kind: 'invoked' },
    {
      time: expect.any(String) as string,
      run: '20261122-030000-ab12',
      requestId: 'a-request',
      kind: 'step-started',
      step: 'swap',
      text: 'two\nlines',
    },
  ]);
  expect(lines[1]).not.toContain('\n');
});

test('a secret is in no line', () => {
  keepSecret('open-sesame-77');
  expect(logLine({}, { kind: 'x', deep: [{ text: 'the key open-sesame-77' }] })).toBe(
    '{"kind":"x","deep":[{"text":"the key ***"}]}',
  );
});

test.each([
  ['plain letters', 'x'.repeat(300_000)],
  ['quotes, which are escaped twice', '"'.repeat(300_000)],
  ['control characters, six bytes each', '\u0001'.repeat(300_000)],
  ['letters of three bytes', '漢'.repeat(300_000)],
])('what CloudWatch would not take is cut, and says so: %s', (_what, text) => {
  const line = logLine({ requestId: 'a' }, { kind: 'step-ended', text });
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(most);
  expect(JSON.parse(line)).toMatchObject({
    requestId: 'a',
    kind: 'step-ended',
    cutFromBytes: expect.any(Number) as number,
  });
});

test('what fits to the byte is whole', () => {
  const room = most - '{"kind":"x","text":""}'.length;
  expect(JSON.parse(logLine({}, { kind: 'x', text: 'x'.repeat(room) }))).not.toHaveProperty('cutFromBytes');
  expect(JSON.parse(logLine({}, { kind: 'x', text: 'x'.repeat(room + 1) }))).toHaveProperty('cutFromBytes');
});
