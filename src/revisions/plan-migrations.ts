import { failureOf, RestageError, type Failure } from '../errors.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import type { Origin } from '../postgres/session.ts';
import { isSameMigration, isSameTool } from '../postgres/version-tables/migration-id.ts';
import type { MigrationTool, VersionTable, Versions } from '../postgres/version-tables.ts';
import { compareRevisions } from './compare-revisions.ts';
import { closedNotes, failedNotes, relationNotes, sourceAhead } from './migration-notes.ts';
import type { PlannedMigrations } from './planned-migrations.ts';
import type { RevisionFiles } from './revision-files.ts';

/** What the config says of migrations. */
export interface MigrationChoices {
  readonly policy: 'refuse' | 'warn';
  /** Of `migrate.versions`; empty where it is not given. */
  readonly files: readonly RevisionFiles[];
  /** Whether anything brings the copy's schema forward. */
  readonly migrates: boolean;
}

export interface MigrationsPlan {
  /** For each version table that either has. */
  readonly planned: readonly PlannedMigrations[];
  readonly notes: readonly string[];
  readonly refusals: readonly Failure[];
}

/** One end's version tables. */
export interface EndVersions extends Versions {
  readonly origin: Origin;
}

/**
 * How the migrations of both databases stand to each other and to the target's code. Throws `config-invalid` where
 * `migrate.versions` holds those of another tool.
 */
export function planMigrations(source: EndVersions, target: EndVersions, choices: MigrationChoices): MigrationsPlan {
  const pairs = pairsOf(source.tables, target.tables);
  requireFitting(choices.files, pairs);
  const planned = pairs.map((pair) => compareRevisions(pair.source, pair.target, filesOf(pair, pairs, choices.files)));
  // Of a table that may not be read nothing is known, not even that it is empty: told by itself.
  const isClosed = (table: TableName) =>
    [...source.closed, ...target.closed].some((one) => quoteTable(one) === quoteTable(table));
  const ahead = planned.flatMap((one) => sourceAhead(one) ?? []);
  return {
    planned,
    refusals: choices.policy === 'refuse' ? ahead.map(failureOf) : [],
    notes: [
      ...(choices.policy === 'warn' ? ahead.map(({ message }) => `${message}; migrate.policy is warn`) : []),
      ...relationNotes(
        planned
          .map((one, index) => ({ planned: one, pair: pairs[index] ?? {} }))
          .filter(({ planned: { table } }) => !isClosed(table)),
        choices.migrates,
      ),
      ...failedNotes(source.tables, target.tables),
      ...[source, target].flatMap(closedNotes),
      ...(choices.files.length > 0 && pairs.length === 0
        ? ['neither database has a version table that restage knows: migrate.versions says nothing of them']
        : []),
    ],
  };
}

/** The same table at both ends; one of them may lack it. */
export interface Pair {
  readonly source?: VersionTable;
  readonly target?: VersionTable;
}

function pairsOf(source: readonly VersionTable[], target: readonly VersionTable[]): Pair[] {
  const isSame = (one: VersionTable, other: VersionTable) =>
    quoteTable(one.table) === quoteTable(other.table) && isSameTool(one.tool, other.tool);
  return [
    ...source.map((from) => {
      const to = target.find((one) => isSame(from, one));
      return { source: from, ...(to ? { target: to } : {}) };
    }),
    ...target.filter((to) => !source.some((one) => isSame(one, to))).map((to) => ({ target: to })),
  ];
}

function toolOf({ source, target }: Pair): MigrationTool | undefined {
  return (source ?? target)?.tool;
}

function fits(files: RevisionFiles, pair: Pair): boolean {
  const tool = toolOf(pair);
  return tool !== undefined && files.tools.some((one) => isSameTool(one, tool));
}

/** Where one tool has several tables, only of those that the files know something of. */
function filesOf(pair: Pair, pairs: readonly Pair[], files: readonly RevisionFiles[]): RevisionFiles | undefined {
  const found = files.find((one) => fits(one, pair));
  if (!found || pairs.filter((other) => fits(found, other)).length === 1) return found;
  const knows = ({ tool, heads, applied }: VersionTable) =>
    [...heads, ...applied.map(({ id }) => id)].some((id) =>
      found.migrations.some((file) => isSameMigration(tool, id, file.id)),
    );
  return [pair.source, pair.target].some((table) => table && knows(table)) ? found : undefined;
}

function requireFitting(files: readonly RevisionFiles[], pairs: readonly Pair[]): void {
  const [first] = files;
  if (!first || pairs.length === 0 || files.some((one) => pairs.some((pair) => fits(one, pair)))) return;
  const names = (tools: readonly (string | undefined)[]) => [...new Set(tools)].join(', ');
  const [there, here] = [names(files.flatMap(({ tools }) => tools)), names(pairs.map(toolOf))];
  throw new RestageError(
    'config-invalid',
    `migrate.versions: ${first.folder} holds migrations of ${there}, and the databases have version tables of ${here}`,
    { hint: 'Name the folder of the migrations that the databases go by.' },
  );
}
