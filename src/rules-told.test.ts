import { expect, test } from 'vitest';
import { plainRule, type TableRule } from './postgres/rules/table-rule.ts';
import { rulesTold } from './rules-told.ts';
import type { Step } from './step.ts';

const copy = (name: string, rule: Partial<TableRule>): Step => ({
  id: `copy-table ${name}`,
  after: [],
  kind: 'copy-table',
  table: { schema: 'public', name },
  rows: 1,
  rowsAreEstimated: false,
  bytes: 1,
  parts: 1,
  partsReason: '',
  verify: 'content',
  mayBeEmpty: false,
  rule: { ...plainRule, ...rule },
});

const secret = 'a literal that nobody may read';
const users = copy('users', {
  where: `note <> '${secret}'`,
  columns: {
    email: { kind: 'mask', mask: 'email' },
    note: { kind: 'mask', mask: { constant: secret } },
    plan: { kind: 'set', sql: `'${secret}'` },
  },
  carry: { match: ['email'], columns: ['sub'] },
  rewrite: [{ from: secret, to: 'x' }],
});

test('rules are told by the names of what they concern', () => {
  const steps: Step[] = [
    users,
    copy('Api keys', { rows: 'keep' }),
    copy('jobs', { rows: 'empty' }),
    { id: 'after-load 1', after: [], kind: 'after-load', name: 'mail.sql', sql: `select '${secret}'` },
  ];
  expect(rulesTold(steps)).toEqual([
    'masked: users.email, users.note',
    'set: users.plan',
    'rewritten: users',
    'only some rows: users',
    'empty: jobs',
    `staging's own: "Api keys"`,
    "carried over from staging's rows: users.sub",
    'changed after loading by: mail.sql',
  ]);
});

test('neither SQL nor a value of the config is told', () => {
  expect(JSON.stringify(rulesTold([users]))).not.toContain(secret);
});

test('of very many names the first are told, and how many more there are', () => {
  const many = Array.from({ length: 500 }, (_, index) => copy(`t${index}`, { rows: 'empty' }));
  const [told = ''] = rulesTold(many);
  expect(told.length).toBeLessThan(450);
  expect(told).toMatch(/^empty: t0, t1, .* and \d+ more$/);
});
