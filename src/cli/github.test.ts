import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGitHub } from './github.ts';

let folder: string;
let file: string;
let lines: string[];
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'restage-github-'));
  file = join(folder, 'summary.md');
  [lines, warnings] = [[], []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(environment: NodeJS.ProcessEnv = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file }) {
  return openGitHub({
    environment,
    title: 'restage: sync, 100%',
    write: (line) => lines.push(line),
    warn: (text) => warnings.push(text),
  });
}

test('an annotation is one line, whatever is in its text and its title', () => {
  open().annotate('error', ['50% failed: a, b\r\n::add-mask::x']);
  expect(lines).toEqual(['::error title=restage%3A sync%2C 100%25::50%25 failed: a, b%0D%0A::add-mask::x']);
});

test('of very many annotations the first are written, with how many more there are', () => {
  open().annotate(
    'warning',
    Array.from({ length: 12 }, (_, n) => `${n}`),
  );
  expect(lines).toHaveLength(10);
  expect(lines.at(-1)).toMatch(/::and 3 more, which the log and the summary have$/);
  lines = [];
  open().annotate(
    'notice',
    Array.from({ length: 10 }, (_, n) => `${n}`),
  );
  expect(lines.at(-1)).toMatch(/::9$/);
});

test('elsewhere nothing is written at all', () => {
  const github = open({ GITHUB_STEP_SUMMARY: file });
  github.annotate('error', ['x']);
  github.summary('# y');
  expect([lines, warnings]).toEqual([[], []]);
  expect(() => readFileSync(file)).toThrow('ENOENT');
});

test('a page is put behind what earlier commands of the step wrote', () => {
  writeFileSync(file, '# before\n');
  open().summary('# after');
  expect(readFileSync(file, 'utf8')).toBe('# before\n# after\n');
});

test.each([0, 600_000, 1_048_500, 1_048_576])('beside %d bytes a page fits into what GitHub takes', (before) => {
  writeFileSync(file, 'x'.repeat(before));
  open().summary(`# page\n\n\`\`\`\n${'ü line\n'.repeat(200_000)}\`\`\`\n`);
  const written = readFileSync(file);
  expect(written.length).toBeLessThanOrEqual(1024 * 1024);
  const text = written.subarray(before).toString();
  if (before < 1_000_000) {
    expect(text).toMatch(/ü line\n```\n\n\*\*Cut here:\*\* /);
    expect(text).not.toContain('\uFFFD');
  } else expect(text.length).toBeLessThan(200);
});

test('a file that cannot be written is a warning, and one that is not named is nothing', () => {
  open({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: folder }).summary('x');
  expect(warnings).toEqual([expect.stringMatching(/^the summary for GitHub could not be written: EISDIR/)]);
  open({ GITHUB_ACTIONS: 'true' }).summary('x');
  expect(warnings).toHaveLength(1);
});
