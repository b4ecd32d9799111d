import { driftSummary } from '../drift-text.ts';
import { count, sentence } from '../format.ts';
import { table } from './table.ts';
import { code, escaped } from './text.ts';
import { relationOfMigrations, type EndNames } from '../migrations-text.ts';
import { stepsOf, type Report } from '../report.ts';
import type { Migration } from '../../revisions/planned-migrations.ts';
import { hasDone } from '../step-words.ts';

/** So many migrations are told one by one. */
const mostTold = 50;

/** Which migrations lay between both ends, what was run of them, and how the schemas differed. */
export function schemaLines(report: Report): string[] {
  const names = { source: report.source.name, target: report.target.name };
  const told = [...migrationLines(report, names), ...appliedLines(report), ...driftLines(report, names)];
  return told.length === 0 ? [] : ['## Schema changes', '', ...told];
}

function migrationLines({ migrations = [] }: Report, names: EndNames): string[] {
  return migrations.flatMap((one) => [
    `${migrations.length > 1 ? `**${one.tool}:** ` : ''}${escaped(sentence(relationOfMigrations(one, names)))}`,
    '',
    ...listed(one.between),
    ...listed(one.beyond, `What ${names.target}'s code has not:`),
  ]);
}

function listed(migrations: readonly Migration[], title?: string): string[] {
  if (migrations.length === 0) return [];
  const rows = migrations
    .slice(0, mostTold)
    .map(({ id, description = '', date = '' }) => [code(id), escaped(description), date.slice(0, 10)]);
  const more = migrations.length - rows.length;
  return [
    ...(title === undefined ? [] : [escaped(title), '']),
    ...table(['Migration', 'Description', 'Date'], [...rows, ...(more > 0 ? [['…', `${count(more)} more`, '…']] : [])]),
    '',
  ];
}

/** What the steps of `migrate` did. */
function appliedLines(report: Report): string[] {
  const steps = [...stepsOf(report, 'migrate-incoming'), ...stepsOf(report, 'migrate')];
  const lines = steps.flatMap((step) => {
    const did = hasDone(step);
    if (did === undefined) return [];
    const what = step.kind === 'migrate' ? `${step.method} ${step.path}` : step.command.join(' ');
    return [`- ${code(what)}: ${escaped(did)}${step.outcome.status === 'failed' ? ' (failed)' : ''}`];
  });
  return lines.length === 0 ? [] : [...lines, ''];
}

function driftLines({ drift }: Report, names: EndNames): string[] {
  if (!drift || drift.differences.length === 0) return [];
  return [
    `Before this run the schemas of ${escaped(names.source)} and ${escaped(names.target)} differed:`,
    '',
    // A mark at a line's beginning would be one more bullet.
    ...driftSummary(drift, names).map((line) => `- ${escaped(line.replace(/^[-+~] /, ''))}`),
    '',
  ];
}
