import { RestageError } from '../errors.ts';
import { displayTable, quoteName, quoteTable } from '../postgres/names.ts';
import { someOf } from '../postgres/some-of.ts';
import type { VersionTable } from '../postgres/version-tables.ts';
import type { EndVersions, Pair } from './plan-migrations.ts';
import type { Migration, PlannedMigrations } from './planned-migrations.ts';

// What the plan says of migrations beside their list, each in a whole sentence.

/** Why staging's code cannot bring production's schema forward; undefined where the source is not ahead. */
export function sourceAhead(planned: PlannedMigrations): RestageError | undefined {
  const { relation, table, beyond, between, source, goalFrom, readFrom } = planned;
  if (relation !== 'source-ahead' && relation !== 'diverged') return undefined;
  const what = beyond.length > 0 ? namesOf(beyond) : source.join(', ');
  const more = relation === 'diverged' ? `; it lacks ${counted(between)} that the target's has` : '';
  const where = `${displayTable(table)} of the source has ${what}`;
  return goalFrom === 'files'
    ? new RestageError(
        'source-ahead',
        `the source is ahead of the target's code: ${where}, which is none of ${readFrom}${more}`,
        {
          hint: "Deploy to the target what the source runs, or bring migrate.versions up to the target's code. To go on all the same: migrate.policy: warn",
        },
      )
    : new RestageError(
        'source-ahead',
        `the source is ahead of the target: ${where}, which the target's has not${more}`,
        {
          hint: 'Deploy to the target what the source runs, and migrate its database. Where its code has them and its database alone is behind, the files tell: migrate.versions. To go on all the same: migrate.policy: warn',
        },
      );
}

/** How they stand to each other, for all tables of which the same is to be said at once. */
export function relationNotes(
  all: readonly { readonly planned: PlannedMigrations; readonly pair: Pair }[],
  migrates: boolean,
): string[] {
  const said = all.flatMap(({ planned, pair }) => {
    const text = relationText(planned, pair, migrates);
    return text === undefined ? [] : [{ name: displayTable(planned.table), text }];
  });
  return [...Map.groupBy(said, ({ text }) => text)].map(
    ([text, tables]) =>
      `${someOf(
        tables.map(({ name }) => name),
        5,
      )}: ${text}`,
  );
}

function relationText(
  { relation, between, source, target, goal, goalFrom }: PlannedMigrations,
  pair: Pair,
  migrates: boolean,
): string | undefined {
  if (!pair.source)
    return 'the source has no such table, so the copy has none: whatever migrates it begins with the first migration';
  // Ahead, with what lies between and what brings it in: that is as it should be, and the plan has it.
  if (relation === 'target-ahead' && between.length > 0 && migrates) return undefined;
  if (relation === 'target-ahead') {
    const from = source.join(', ') || 'nothing';
    const to = (goal.length > 0 ? goal : target).join(', ');
    const by = between.length > 0 ? ` by ${counted(between)}` : '';
    const then = migrates ? '' : `, and nothing in migrate brings the copy there: it stays at ${from}`;
    const unnamed = between.length > 0 ? '' : '; which migrations lie between, the files tell: migrate.versions';
    return `the target is ahead of the source${by}, from ${shortened(from)} to ${shortened(to)}, as is usual${then}${unnamed}`;
  }
  if (relation !== 'unknown') return undefined;
  if (!pair.target || (target.length === 0 && goalFrom === 'target'))
    return `the target has been through none, so what its code needs is not known: migrate.versions, the folder of its migrations, tells`;
  return `${source.join(', ')} at the source and ${target.join(', ')} at the target: which is newer, and what lies between, only the files tell: migrate.versions`;
}

/**
 * A migration that did not end well. No refusal: the copy is as good as production is, and what migrates it says by itself
 * when it cannot go on, with staging as it was.
 */
export function failedNotes(source: readonly VersionTable[], target: readonly VersionTable[]): string[] {
  const notes = (tables: readonly VersionTable[], end: string, then: (tool: string) => string) =>
    tables.flatMap(({ tool, table, applied }) => {
      const failed = applied.filter((one) => one.failed).map(({ id }) => id);
      return failed.length === 0
        ? []
        : [`${displayTable(table)} of the ${end} says that ${someOf(failed, 5)} did not end well: ${then(tool)}`];
    });
  return [
    ...notes(
      source,
      'source',
      (tool) => `so will the copy's, and ${tool} may refuse to go on until that is mended in the source`,
    ),
    ...notes(target, 'target', () => "that is gone with the target's present database"),
  ];
}

export function closedNotes({ closed, origin }: EndVersions): string[] {
  if (closed.length === 0) return [];
  const { user, database, host, port } = origin;
  const names = someOf(closed.map(displayTable), 5);
  const grants = closed.slice(0, 5).map((table) => `grant select on ${quoteTable(table)} to ${quoteName(user)}`);
  return [
    `${user} may not read ${names} of ${database} at ${host}:${port}, which version tables are called: what was applied is not known. To let it: ${grants.join('; ')}`,
  ];
}

function counted(migrations: readonly unknown[]): string {
  return `${migrations.length} ${migrations.length === 1 ? 'migration' : 'migrations'}`;
}

function namesOf(migrations: readonly Migration[]): string {
  return someOf(
    migrations.map(({ id, description }) =>
      description === undefined || description === id ? id : `${id} (${description})`,
    ),
    5,
  );
}

/** Of many heads, as a project of many parts has them, the number. */
function shortened(heads: string): string {
  const parts = heads.split(', ');
  return parts.length > 5 ? `${parts.length} heads` : heads;
}
