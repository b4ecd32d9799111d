import { expect, test } from 'vitest';
import type { Plan } from '../plan.ts';
import type { Step } from '../step.ts';
import { planText } from './plan-text.ts';
import { plain } from './style.ts';

function copyTable(name: string, bytes: number, parts: number, partsReason: string): Step {
  return {
    id: `copy-table ${name}`,
    after: ['copy-schema'],
    kind: 'copy-table',
    table: { schema: 'public', name },
    rows: 1000,
    rowsAreEstimated: true,
    bytes,
    parts,
    partsReason,
    verify: 'content',
    mayBeEmpty: false,
  };
}

const plan: Plan = {
  version: 1,
  madeAt: '2026-11-22T23:15:00.500Z',
  source: { name: 'production' },
  target: { name: 'staging' },
  objects: [],
  jobs: 4,
  steps: [
    copyTable('events', 3_000_000_000, 4, 'four sessions are free for it'),
    copyTable('pages', 100_000_000, 1, 'its rows fit few blocks'),
    copyTable('books', 99_999_999, 1, 'it is small'),
    { id: 'copy-large-objects', after: ['copy-schema'], kind: 'copy-large-objects', objects: 1200 },
    { id: 'set-privileges', after: ['copy-large-objects'], kind: 'set-privileges', grants: {} },
  ],
  notes: ['1 invalid index of the source will not be made, as no query uses them: public.broken'],
};

test('large tables say in how many parts they are copied and why, small ones do not', () => {
  const lines = planText(plan, plain).split('\n');
  const of = (name: string) => lines.find((line) => line.startsWith(`  ${name} `));
  expect(of('events')).toBe('  events        ~1,000  3.0 GB  4 parts: four sessions are free for it');
  expect(of('pages')).toBe('  pages         ~1,000  100 MB  1 part: its rows fit few blocks');
  expect(of('books')).toBe('  books         ~1,000  100 MB');
  expect(of('total')).toBe('  total          3,000  3.2 GB');
});

test('every step has its line, and every note', () => {
  const text = planText(plan, plain);
  expect(text).toContain('copy-large-objects  1,200 large objects');
  expect(text).toContain('set-privileges      owners and grants as staging has them');
  expect(text).toContain('note: 1 invalid index of the source will not be made');
});
