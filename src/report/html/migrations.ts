import type { Migration, PlannedMigrations } from '../../revisions/planned-migrations.ts';
import { displayTable } from '../../postgres/names.ts';
import { counted, sentence } from '../format.ts';
import { relationOfMigrations } from '../migrations-text.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { list } from './list.ts';
import { code, joined, markup, named, type Markup, type Part } from './markup.ts';
import { sign, type Standing } from './sign.ts';

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
  const { tool, table, relation, between: coming, beyond, readFrom, problems, goal } = planned;
  const names = { source: report.source.name, target: report.target.name };
  const standing = {
    same: 'good',
    'target-ahead': 'good',
    'source-ahead': 'bad',
    diverged: 'bad',
    unknown: 'warn',
  } as const satisfies Record<PlannedMigrations['relation'], Standing>;
  const words = sign(standing[relation], sentence(relationOfMigrations(planned, names)));
  return markup`${several ? markup`<h3>${tool} in ${named(displayTable(table))}</h3>` : undefined}<p>${words} Read from ${readFrom}${goal.length === 0 ? undefined : markup`; it ends at ${joined(goal.map(code), ', ')}`}.</p>${list(problems.map((problem) => sign('warn', problem)))}${migrationTable(coming, `${counted(coming.length, 'migration')} between ${names.source} and the code of ${names.target}, the newest first`)}${migrationTable(beyond, `${counted(beyond.length, 'migration')} that only ${names.source} has been through, the newest first`)}`;
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
