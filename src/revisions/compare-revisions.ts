import { displayTable } from '../postgres/names.ts';
import { compareIds, isOrdered, migrationKey } from '../postgres/version-tables/migration-id.ts';
import type { MigrationTool, VersionTable } from '../postgres/version-tables.ts';
import { migrationOf, throughOf } from './applied-migrations.ts';
import { dateOfId } from './id-date.ts';
import { inFiles } from './in-files.ts';
import type { Migration, PlannedMigrations } from './planned-migrations.ts';
import type { RevisionFiles } from './revision-files.ts';

/**
 * How two databases stand to each other: by the files of the target's code, or, without them, by what both say that they have
 * been through. One of both may lack the table.
 */
export function compareRevisions(
  source: VersionTable | undefined,
  target: VersionTable | undefined,
  files?: RevisionFiles,
): PlannedMigrations {
  const either = source ?? target;
  if (!either) throw new TypeError('no version table at either end');
  const both = {
    tool: either.tool,
    table: either.table,
    source: source?.heads ?? [],
    target: target?.heads ?? [],
  };
  if (files) {
    // What a database without the table has been through is nothing: to its code everything is to come.
    const { between, beyond, problems } = inFiles(either.tool, source, target, files);
    return {
      ...both,
      goal: files.heads,
      goalFrom: 'files',
      relation: relationOf(between, beyond),
      between: newestFirst(between),
      beyond: newestFirst(beyond),
      readFrom: `the files of ${files.folder}`,
      problems: [...files.problems, ...problems],
    };
  }
  const { relation, between, beyond } = byTables(source, target);
  return {
    ...both,
    goal: relation === 'source-ahead' || relation === 'diverged' ? [] : both.target,
    goalFrom: 'target',
    relation,
    between: newestFirst(between),
    beyond: newestFirst(beyond),
    readFrom: `${displayTable(either.table)} of both databases`,
    problems: [],
  };
}

interface Difference {
  readonly relation: PlannedMigrations['relation'];
  /** Oldest first. */
  readonly between: readonly Migration[];
  readonly beyond: readonly Migration[];
}

/** By what both tables hold; a table that is not there, or is empty at the target, says nothing of what its code knows. */
function byTables(source: VersionTable | undefined, target: VersionTable | undefined): Difference {
  const none = { between: [], beyond: [] };
  if (!source || !target) return { relation: 'unknown', ...none };
  if (isEmpty(target)) return { relation: isEmpty(source) ? 'same' : 'unknown', ...none };
  const { tool } = source;
  const [from, to] = [source, target].map(({ heads }) => new Set(heads.map((id) => migrationKey(tool, id))));
  if (tool === 'Alembic') return { relation: relationOfHeads(from ?? new Set(), to ?? new Set()), ...none };
  if (tool === 'golang-migrate') {
    const order = compareIds(tool, source.heads[0] ?? '0', target.heads[0] ?? '0');
    const ahead = source.heads.map((id) => ({ id, ...dateOfId(id) }));
    if (order > 0) return { relation: 'source-ahead', between: [], beyond: ahead };
    return { relation: order < 0 ? 'target-ahead' : 'same', ...none };
  }
  const between = onlyIn(tool, target, source);
  const beyond = onlyIn(tool, source, target);
  return { relation: relationOf(between, beyond), between, beyond };
}

function isEmpty({ heads, applied }: VersionTable): boolean {
  return heads.length === 0 && applied.length === 0;
}

/** Heads alone: who has all of the other's, and more, is ahead; of two others nothing is known. */
function relationOfHeads(from: ReadonlySet<string>, to: ReadonlySet<string>): PlannedMigrations['relation'] {
  const holds = (one: ReadonlySet<string>, other: ReadonlySet<string>) => [...other].every((id) => one.has(id));
  if (holds(from, to) && holds(to, from)) return 'same';
  if (holds(to, from)) return 'target-ahead';
  return holds(from, to) ? 'source-ahead' : 'unknown';
}

function relationOf(between: readonly Migration[], beyond: readonly Migration[]): PlannedMigrations['relation'] {
  if (beyond.length > 0) return between.length > 0 ? 'diverged' : 'source-ahead';
  return between.length > 0 ? 'target-ahead' : 'same';
}

/** What one database has been through and the other has not, oldest first. */
function onlyIn(tool: MigrationTool, one: VersionTable, other: VersionTable): Migration[] {
  const has = throughOf(tool, other);
  const found = one.applied.filter(({ id, failed, baseline }) => !failed && !baseline && !has(id));
  return (isOrdered(tool) ? found.toSorted((a, b) => compareIds(tool, a.id, b.id)) : found).map((applied) =>
    migrationOf(tool, applied),
  );
}

function newestFirst(migrations: readonly Migration[]): Migration[] {
  return migrations
    .map(({ id, description, date }) => ({
      id,
      ...(description === undefined ? {} : { description }),
      ...(date === undefined ? {} : { date }),
    }))
    .toReversed();
}
