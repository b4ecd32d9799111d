import type { Migration, PlannedMigrations } from '../../revisions/planned-migrations.ts';
import { counted } from '../format.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { list } from './list.ts';
import { code, joined, markup, named, type Markup, type Part } from './markup.ts';
import { sign } from './sign.ts';

/** The revisions of both ends, what lies between them, and what the run's own migrations have made of it. */
export function migrations(report: Report): Markup | undefined {
  const planned = report.migrations ?? [];
  const { source, targetBefore, targetAfter } = report.figures.revision;
  const ran = ranSteps(report);
  if (planned.length === 0 && source === undefined && targetBefore === undefined && ran.length === 0) return undefined;
  const swapped =
    stepsOf(report, 'swap').some(({ outcome }) => outcome.status === 'done') && !report.recovery?.swappedBack;
  const revision = (text: string | undefined) => (text === undefined ? 'none' : code(text));
  const lines: [string, Part][] = [
    [`${report.source.name}, as copied`, revision(source)],
    [`${report.target.name} before`, revision(targetBefore)],
    [`${report.target.name} now`, swapped ? revision(targetAfter) : markup`${revision(targetBefore)}, as before`],
    ...ran,
  ];
  return markup`${facts(lines)}${planned.map((one) => between(one, report, planned.length > 1))}`;
}

function ranSteps(report: Report): [string, Part][] {
  const steps = [...stepsOf(report, 'migrate-incoming'), ...stepsOf(report, 'migrate')];
  return steps.flatMap((step): [string, Part][] => {
    const known = factsOf(step);
    const what = step.kind === 'migrate' ? `${step.method} ${step.path}` : step.command.join(' ');
    if (!known) return [];
    const way = joined([known.revisionBefore ?? 'nothing', known.revisionAfter ?? 'nothing'].map(code), ' → ');
    const polled =
      'polled' in known && known.polled
        ? `; no answer (${known.polled.reason}), then asked for ${known.polled.seconds} s until it had ended`
        : '';
    return [[what, markup`${way}${polled}`]];
  });
}

function between(planned: PlannedMigrations, report: Report, several: boolean): Markup {
  const { tool, relation, between: coming, beyond, readFrom, problems, goal } = planned;
  const { source, target } = report;
  const words = {
    same: sign('good', `${target.name}’s code ends where ${source.name} is.`),
    'target-ahead': sign('good', `${target.name}’s code is ahead of ${source.name}: that is normal.`),
    'source-ahead': sign('bad', `${source.name} is ahead of ${target.name}’s code, which does not know what it holds.`),
    diverged: sign('bad', `${source.name} and ${target.name}’s code each have what the other has not.`),
    unknown: sign('warn', 'Nothing says how both stand to each other.'),
  }[relation];
  return markup`${several ? markup`<h3>${tool}</h3>` : undefined}<p>${words} Read from ${readFrom}${goal.length === 0 ? undefined : markup`; it ends at ${joined(goal.map(code), ', ')}`}.</p>${list(problems.map((problem) => sign('warn', problem)))}${migrationTable(coming, `${counted(coming.length, 'migration')} between ${source.name} and ${target.name}’s code, the newest first`)}${migrationTable(beyond, `${counted(beyond.length, 'migration')} that only ${source.name} has been through, the newest first`)}`;
}

function migrationTable(rows: readonly Migration[], caption: string): Markup | undefined {
  if (rows.length === 0) return undefined;
  return dataTable<Migration>(
    [
      { head: 'Migration', cell: ({ id }) => named(id) },
      { head: 'Description', cell: ({ description }) => description },
      { head: 'Date', cell: ({ date }) => date?.slice(0, 10) },
    ],
    rows,
    { caption, narrow: 'stack' },
  );
}
