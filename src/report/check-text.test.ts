import { describe, expect, test } from 'vitest';
import type { Finding } from '../check.ts';
import { checkText } from './check-text.ts';
import { plain } from './style.ts';

const right: Finding = {
  group: 'source',
  setting: 'source.aws.profile',
  configured: 'p',
  found: 'account 1',
  verdict: 'right',
};
const wrong: Finding = {
  ...right,
  group: 'target',
  setting: 'target.aws.profile',
  found: 'there is no such profile',
  verdict: 'wrong',
  fix: 'Name the other one.',
};
const note: Finding = { ...right, found: 'worth knowing', verdict: 'note' };
const untried: Finding = { ...wrong, setting: 'target.database', found: 'not tried: x', verdict: 'not-tried' };

const verdict = (...findings: readonly Finding[]) => checkText(findings, plain).split('\n').at(-1);

test('the verdict counts what is wrong apart from what could not be tried, and from what is only to know', () => {
  expect(verdict(right, note, wrong, untried, untried)).toBe(
    '1 wrong (target.aws.profile), 2 not tried because of that, 1 right, 1 to know',
  );
  expect(verdict(wrong, wrong)).toBe('2 wrong (target.aws.profile, target.aws.profile)');
  const six = verdict(...Array.from({ length: 6 }, (_, index) => ({ ...wrong, setting: `s${index}` })));
  expect(six).toBe('6 wrong (s0, s1, s2, s3, s4 and 1 more)');
  expect(verdict(right, note)).toBe('nothing is wrong: 1 right, 1 to know');
});

test('each group has a heading, each row a mark of its own shape, and its fix below it', () => {
  expect(checkText([right, note, wrong, untried], plain).split('\n')).toEqual([
    '    setting             configured  found',
    'source',
    '  ✓ source.aws.profile  p           account 1',
    '  ! source.aws.profile  p           worth knowing',
    '',
    'target',
    '  ✗ target.aws.profile  p           there is no such profile',
    '      fix: Name the other one.',
    '  – target.database     p           not tried: x',
    '      fix: Name the other one.',
    '',
    '1 wrong (target.aws.profile), 1 not tried because of that, 1 right, 1 to know',
  ]);
});

test('what no setting says and what is not tried for one reason is told in one row', () => {
  const other = { ...untried, configured: '', fix: undefined };
  const { fix: _, ...row } = other;
  const lines = checkText([wrong, untried, row, row, { ...row, found: 'not tried: y' }, row], plain).split('\n');
  expect(lines.filter((line) => line.startsWith('  –'))).toEqual([
    '  – target.database     p           not tried: x',
    '  – 3 more                          not tried: x',
    '  – target.database                 not tried: y',
  ]);
  expect(lines.at(-1)).toBe('1 wrong (target.aws.profile), 5 not tried because of that');
});

test('what is not to be told is only counted', () => {
  const tells = (finding: Finding) => finding.verdict !== 'right';
  const lines = checkText([right, note, wrong], plain, { tells }).split('\n');
  expect(lines.filter((line) => line.startsWith('  ')).map((line) => line.trim()[0])).toEqual(['s', '!', '✗', 'f']);
  expect(lines.at(-1)).toBe('1 wrong (target.aws.profile), 1 right, 1 to know');
  expect(checkText([right, right], plain, { tells })).toBe('nothing is wrong: 2 right');
});

describe('on a terminal', () => {
  const long: Finding = {
    ...wrong,
    configured: `arn:aws:iam::111111111111:role/${'z'.repeat(60)}`,
    found: 'many words, '.repeat(20).trim(),
    fix: 'do this, '.repeat(20).trim(),
  };

  test.each([80, 100, 120])('of %d columns no line is longer, and nothing is lost', (width) => {
    const text = checkText([right, long], plain, { width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    // Two columns stand beside each other, so that it is counted and not searched.
    const times = (part: RegExp) => text.match(part)?.length;
    expect([times(/words,/g), times(/do/g), times(/z/g)]).toEqual([20, 20, 60]);
  });

  test('that is narrow the configured and the found share a column', () => {
    const lines = checkText([right, { ...note, configured: '' }, long], plain, { width: 80 }).split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '    setting             configured → found',
      'source',
      '  ✓ source.aws.profile  p → account 1',
      '  ! source.aws.profile  worth knowing',
    ]);
  });

  test.each([
    `Allow it: {"Effect":"Allow","Action":"${'s3:GetObject,'.repeat(9)}"}`,
    `Log in again: aws sso login --profile ${'p'.repeat(60)} --region us-west-2`,
  ])('a fix that is to be pasted is one line: %s', (fix) => {
    expect(checkText([{ ...wrong, fix }], plain, { width: 80 }).split('\n')).toContain(`      fix: ${fix}`);
  });
});
