import type { Plan } from '../plan.ts';
import type { Migration, PlannedMigrations } from '../revisions/planned-migrations.ts';
import { columns, count, counted } from './format.ts';
import type { Style } from './style.ts';

/** The names of both ends, for whoever tells how they stand to each other. */
export interface EndNames {
  readonly source: string;
  readonly target: string;
}

/** So many are told one by one. */
const mostTold = 10;

/** What lies between the source's revision and the target's code, for each of the tables that say it; nothing where none does. */
export function migrationLines(plan: Plan, style: Style): string[] {
  const names = { source: plan.source.name, target: plan.target.name };
  const several = (plan.migrations ?? []).length > 1;
  return (plan.migrations ?? []).flatMap((one) => {
    const { relation, between, beyond, problems, readFrom } = one;
    const words = relationOfMigrations(one, names);
    const tone = relation === 'source-ahead' || relation === 'diverged' ? 'bad' : undefined;
    return [
      style('strong', `migrations${several ? ` of ${one.tool}` : ''}`),
      `  ${tone === undefined ? words : style(tone, words)}`,
      `  ${revisionsText(one, names)}`,
      ...listed(between, `  what brings ${names.source}'s schema there, newest first`),
      ...listed(beyond, `  what the code of ${names.target} has not, newest first`),
      ...(between.length > 0 || beyond.length > 0 ? [style('dim', `  read from ${readFrom}`)] : []),
      ...problems.map((problem) => style('warn', `  ${problem}`)),
      '',
    ];
  });
}

/** How the target's code stands to the source's database, in words. */
export function relationOfMigrations(
  { relation, between, beyond }: PlannedMigrations,
  { source, target }: EndNames,
): string {
  switch (relation) {
    case 'same':
      return `${target} and ${source} are at the same revision`;
    case 'target-ahead':
      return `${target} is ahead of ${source}${by(between)}: normal`;
    case 'source-ahead':
      return `${source} is ahead of ${target}'s code${by(beyond)}: it does not know the schema that is copied`;
    case 'diverged':
      return `${target}'s code and ${source} have gone different ways: ${counted(between.length, 'migration')} and ${count(beyond.length)} the other has not`;
    case 'unknown':
      return `how ${target}'s code stands to ${source} is not known: migrate.versions names the folder that says it`;
  }
}

/** production q0123456cdef, staging s2345678klmn, its code s2345678klmn */
function revisionsText({ source, target, goal }: PlannedMigrations, names: EndNames): string {
  const revision = (heads: readonly string[]) => (heads.length === 0 ? 'none' : heads.join(', '));
  const both = `${names.source} ${revision(source)}, ${names.target} ${revision(target)}`;
  return goal.length === 0 || revision(goal) === revision(target) ? both : `${both}, its code ${revision(goal)}`;
}

function by(migrations: readonly Migration[]): string {
  return migrations.length === 0 ? '' : ` by ${count(migrations.length)}`;
}

function listed(migrations: readonly Migration[], title: string): string[] {
  if (migrations.length === 0) return [];
  const told = migrations
    .slice(0, mostTold)
    .map((one) => [oneLine(one.id), oneLine(one.description ?? ''), (one.date ?? '').slice(0, 10)]);
  const more = migrations.length - told.length;
  return [
    `${title}:`,
    ...columns(told, ['left', 'left', 'left'], '    '),
    ...(more > 0 ? [`    and ${count(more)} more, which --json has`] : []),
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
