import { expect, test } from 'vitest';
import type { Plan } from '../plan.ts';
import type { PlannedMigrations } from '../revisions/planned-migrations.ts';
import { migrationLines } from './migrations-text.ts';
import { plain } from './style.ts';

const one: PlannedMigrations = {
  tool: 'Alembic',
  source: ['q01'],
  target: ['s23'],
  goal: ['s23'],
  goalFrom: 'files',
  table: { schema: 'public', name: 'alembic_version' },
  relation: 'target-ahead',
  between: [
    { id: 's23', description: 'Add\n author tier', date: '2025-12-21T10:00:00Z' },
    { id: 'r12', date: '2025-12-19' },
  ],
  beyond: [],
  readFrom: 'alembic/versions',
  problems: [],
};

function linesOf(migrations: Partial<PlannedMigrations>, steps: Plan['steps'] = [command]): string[] {
  const plan: Plan = {
    version: 1,
    madeAt: '2026-11-22T23:15:00.500Z',
    source: { name: 'production' },
    target: { name: 'staging' },
    objects: [],
    jobs: 4,
    steps,
    notes: [],
    migrations: [{ ...one, ...migrations }],
  };
  return migrationLines(plan, plain);
}

const command: Plan['steps'][number] = {
  id: 'migrate-incoming',
  after: [],
  kind: 'migrate-incoming',
  command: ['alembic', 'upgrade', 'head'],
  cwd: '',
  env: {},
  timeoutSeconds: 900,
  goal: [],
};

test('a plan tells which migrations lie between, and that staging ahead is normal', () => {
  expect(linesOf({})).toEqual([
    'migrations',
    '  staging is ahead of production by 2: normal',
    '  production q01, staging s23',
    "  what brings production's schema there, newest first:",
    '    s23  Add author tier  2025-12-21',
    '    r12                   2025-12-19',
    '  read from alembic/versions',
    '',
  ]);
});

test('of very many the newest ten are told, and how many more there are', () => {
  const between = Array.from({ length: 1234 }, (_, n) => ({ id: `m${n}` }));
  const lines = linesOf({ between });
  expect(lines.filter((line) => /^ {4}m\d/.test(line))).toHaveLength(10);
  expect(lines).toContain('    and 1,224 more, which --json has');
  expect(lines).toContain('  staging is ahead of production by 1,234: normal');
});

test.each<[Partial<PlannedMigrations>, string]>([
  [{ relation: 'same', between: [] }, 'staging and production are at the same revision'],
  [
    { relation: 'source-ahead', between: [], beyond: [{ id: 't34' }] },
    "production is ahead of staging's code by 1: it does not know the schema that is copied",
  ],
  [
    { relation: 'diverged', beyond: [{ id: 't34' }] },
    "staging's code and production have gone different ways: 2 migrations and 1 the other has not",
  ],
  [
    { relation: 'unknown', between: [] },
    "how staging's code stands to production is not known: migrate.versions names the folder that says it",
  ],
])('%j is told in words', (given, words) => {
  expect(linesOf(given)[1]).toBe(`  ${words}`);
});

test('what is wrong with the files is told, and where the code ends if the database is elsewhere', () => {
  const lines = linesOf({ problems: ['r12 is there twice'], goal: ['u45'] });
  expect(lines).toContain('  r12 is there twice');
  expect(lines).toContain('  production q01, staging s23, its code u45');
});
