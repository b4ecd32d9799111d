import { expect, test } from 'vitest';
import { plainRule, type TableRule } from '../postgres/rules/table-rule.ts';
import type { Outcome, StepReport } from '../step.ts';
import { ruleFacts } from './rules-summary.ts';

const at = { startedAt: '2026-11-22T23:15:00.500Z', durationMs: 1500 };
const done = <F>(facts: F) => ({ status: 'done', ...at, facts }) as const;
const named = (name: string, schema = 'public') => ({ schema, name });
const target = { name: 'staging' };

function copied(
  name: string,
  rule: Partial<TableRule> | undefined,
  rows = 5,
  outcome?: Outcome<'copy-table'>,
): StepReport {
  const table = named(name);
  const digest = { rows };
  const facts = {
    table,
    rows,
    bytes: 1,
    copyMs: 1,
    indexMs: 1,
    analyzeMs: 1,
    digestMs: 1,
    source: digest,
    target: digest,
  };
  return {
    id: `copy-table ${name}`,
    after: [],
    kind: 'copy-table',
    table,
    rows,
    rowsAreEstimated: false,
    bytes: 1,
    parts: 1,
    partsReason: 'small',
    verify: 'content',
    mayBeEmpty: false,
    ...(rule ? { rule: { ...plainRule, ...rule } } : {}),
    outcome: outcome ?? done(facts),
  };
}

const mask = { kind: 'mask', mask: 'email' } as const;
const set = { kind: 'set', sql: 'false' } as const;
const users: TableRule = {
  ...plainRule,
  rows: 'merge',
  columns: { email: mask, first_name: mask, cognito_sub: set },
  carry: { match: ['email'], columns: ['cognito_sub'] },
};

test('tells what became of masked, kept, carried, changed and orphaned rows, and what was looked for', () => {
  const steps: readonly StepReport[] = [
    copied('users', users),
    copied('books', undefined),
    copied('hooks', { columns: { enabled: set, customer_email: { ...mask, by: 'users.email' } } }),
    copied('pages', { rewrite: [{ from: 'https://a.example', to: 'https://b.example' }] }),
    copied('orders', { where: 'id > 10' }, 1200),
    copied('audit_log', { rows: 'empty' }, 0),
    copied('api_keys', { rows: 'keep' }, 0),
    {
      id: 'scan-leaks',
      after: [],
      kind: 'scan-leaks',
      columns: [],
      except: [],
      outcome: done({ values: 15, rows: 2508, leaks: [] }),
    },
    {
      id: 'keep-rows api_keys',
      after: [],
      kind: 'keep-rows',
      table: named('api_keys'),
      rows: 2,
      rule: { ...plainRule, rows: 'keep' },
      casts: [],
      outcome: done({ table: named('api_keys'), read: 2, kept: 2, replaced: 0 }),
    },
    {
      id: 'keep-rows users',
      after: [],
      kind: 'keep-rows',
      table: named('users'),
      rows: 2,
      rule: users,
      casts: [],
      outcome: done({ table: named('users'), read: 5, kept: 1, replaced: 1 }),
    },
    {
      id: 'carry-values users',
      after: [],
      kind: 'carry-values',
      table: named('users'),
      rule: users,
      casts: [],
      outcome: done({ table: named('users'), rows: 7, carried: 6 }),
    },
    {
      id: 'settle-orphans',
      after: [],
      kind: 'settle-orphans',
      tables: [],
      outcome: done({
        orphans: [
          {
            table: named('api_keys'),
            key: 'k1',
            columns: ['user_id'],
            parent: named('users'),
            rows: 1,
            became: 'dropped',
          },
          {
            table: named('notes', 'shop'),
            key: 'k2',
            columns: ['by'],
            parent: named('users'),
            rows: 3,
            became: 'null',
          },
        ],
      }),
    },
    {
      id: 'after-load afterLoad 1',
      after: [],
      kind: 'after-load',
      name: 'afterLoad 1',
      sql: 'update …',
      outcome: done({
        counts: [3, 1],
        changed: [
          { table: named('analysis_jobs'), rows: 3 },
          { table: named('jobs', 'shop'), rows: 1 },
        ],
      }),
    },
  ];
  expect(ruleFacts({ steps, target })).toEqual([
    ['masked', 'hooks: customer_email as users.email'],
    ['', 'users: email, first_name'],
    ['set', 'hooks: enabled'],
    ['rewritten', 'pages: https://a.example to https://b.example'],
    ['limited', 'orders: 1,200 rows by its where'],
    ['left empty', 'audit_log'],
    ['leak scan', '15 real values of masked columns looked for in 2,508 rows: none found'],
    ['kept', "api_keys: 2 rows of staging's own, instead of the source's"],
    ['', "users: 1 row of staging's own, beside the source's; 4 gave way to the source's; 1 of the source's gave way"],
    ['carried', 'users: cognito_sub by email, in 6 of 7 rows'],
    ['orphans', 'api_keys: 1 row without its users (k1), dropped'],
    ['', 'shop.notes: 3 rows without their users (k2), set to null'],
    ['afterLoad', '3 rows of analysis_jobs, 1 row of shop.jobs changed'],
  ]);
});

test('says nothing of what no rule is about, or has not been done', () => {
  expect(ruleFacts({ steps: [copied('books', undefined)], target })).toEqual([]);
  expect(ruleFacts({ steps: [copied('users', users, 5, { status: 'not-run' })], target })).toEqual([]);
});

test('several entries of afterLoad are told by name, also one that changed nothing; of very many tables the first', () => {
  const entry = (name: string, counts: readonly number[]): StepReport => ({
    id: `after-load ${name}`,
    after: [],
    kind: 'after-load',
    name,
    sql: '',
    outcome: done({ counts, changed: counts.map((rows) => ({ table: named('jobs'), rows })) }),
  });
  const many = Array.from({ length: 14 }, (_, n) =>
    copied(`t${String(n).padStart(2, '0')}`, { columns: { email: mask } }),
  );
  const facts = ruleFacts({ steps: [...many, entry('jobs.sql', [1]), entry('afterLoad 2', [])], target });
  expect(facts.slice(8)).toEqual([
    ['', 't08: email'],
    ['', 'and 5 further tables'],
    ['afterLoad', 'jobs.sql: 1 row of jobs changed'],
    ['', 'afterLoad 2: 0 statements, no row changed'],
  ]);
});
