import { expect, test } from 'vitest';
import type { Finding } from '../check.ts';
import { checkText } from './check-text.ts';
import { plain } from './style.ts';

const right: Finding = { setting: 'source.aws.profile', configured: 'p', found: 'account 1', ok: true, tried: true };
const wrong: Finding = {
  ...right,
  setting: 'target.aws.profile',
  found: 'no such profile',
  ok: false,
  fix: 'Name it.',
};
const untried: Finding = { ...right, setting: 'target.database', found: 'not tried: x', ok: false, tried: false };

test('the verdict counts what is wrong apart from what could not be tried', () => {
  expect(checkText([right, wrong, untried, untried], plain)).toMatch(/\n\n1 of 4 settings is wrong, 2 not tried$/);
  expect(checkText([wrong, wrong], plain)).toMatch(/\n2 of 2 settings are wrong$/);
  expect(checkText([right, right], plain)).toMatch(/\nall 2 settings are right$/);
});

test('a fix stands below what it mends', () => {
  const lines = checkText([wrong, untried], plain).split('\n');
  expect(lines[1]).toMatch(/^✗ {2}target\.aws\.profile/);
  expect(lines[2]).toBe('   fix: Name it.');
  expect(lines[3]).toMatch(/^– {2}target\.database/);
});
