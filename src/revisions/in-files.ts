import { compareIds, isOrdered, migrationKey } from '../postgres/version-tables/migration-id.ts';
import { displayTable } from '../postgres/names.ts';
import { someOf } from '../postgres/some-of.ts';
import type { AppliedMigration, MigrationTool, VersionTable } from '../postgres/version-tables.ts';
import { migrationOf, throughOf } from './applied-migrations.ts';
import { ancestorsOf } from './graph.ts';
import type { Migration } from './planned-migrations.ts';
import type { RevisionFile, RevisionFiles } from './revision-files.ts';

interface InFiles {
  /** What the files have and the source has not been through, oldest first. */
  readonly between: readonly RevisionFile[];
  /** What the source has been through and the files do not know. */
  readonly beyond: readonly Migration[];
  readonly problems: readonly string[];
}

/** Where both databases stand among the files of the target's code. */
export function inFiles(
  tool: MigrationTool,
  source: VersionTable | undefined,
  target: VersionTable | undefined,
  files: RevisionFiles,
): InFiles {
  const [from, to] = [source, target].map((table) => table && (tool === 'Liquibase' ? withPaths(table, files) : table));
  const isThrough = tool === 'Alembic' ? throughGraph(from, files) : throughFiles(tool, from, files);
  const [ofSource, ofTarget] = [strangeIn(tool, from, files), strangeIn(tool, to, files)];
  const isIn = (list: readonly AppliedMigration[], one: AppliedMigration) =>
    list.some(({ id }) => migrationKey(tool, id) === migrationKey(tool, one.id));
  // A head that both have is unknown to the code all the same; of a history, both have left it behind.
  const namesHeads = tool === 'Alembic' || tool === 'golang-migrate';
  const shared = namesHeads ? [] : ofSource.filter((one) => isIn(ofTarget, one));
  const apps = new Set(files.migrations.map(({ app }) => app));
  // Of an app without files only another history can tell, and there may be none.
  const isOpen = ({ app }: AppliedMigration) => !apps.has(app) && !to;
  const told = (list: readonly AppliedMigration[], where: string) => {
    const ids = list.filter(({ app }) => apps.has(app)).map(({ id }) => id);
    const name = displayTable((source ?? target)?.table ?? { schema: '', name: '' });
    return ids.length === 0 ? [] : [`no file is ${someOf(ids, 5)}, in ${name} of ${where}`];
  };
  return {
    // Behind a head that no file is there may be any of them.
    between: tool === 'Alembic' && ofSource.length > 0 ? [] : files.migrations.filter((file) => !isThrough(file)),
    beyond: ofSource.filter((one) => !isIn(shared, one) && !isOpen(one)).map((one) => migrationOf(tool, one)),
    problems: [
      ...told(shared, 'both databases'),
      ...told(
        ofTarget.filter((one) => !isIn(shared, one)),
        'the target: is this the code that it runs?',
      ),
    ],
  };
}

/** By heads and what they follow. */
function throughGraph(table: VersionTable | undefined, files: RevisionFiles): (file: RevisionFile) => boolean {
  const found = ancestorsOf(table?.heads ?? [], files.migrations);
  return ({ id }) => found.has(id);
}

/** By a history, or a number up to which everything was applied. */
function throughFiles(
  tool: MigrationTool,
  table: VersionTable | undefined,
  files: RevisionFiles,
): (file: RevisionFile) => boolean {
  if (tool === 'golang-migrate')
    return ({ id }) => table?.heads.some((head) => compareIds(tool, id, head) <= 0) ?? false;
  const has = throughOf(tool, table);
  const replaced = new Map(files.migrations.map(({ id, replaces = [] }) => [id, replaces]));
  const isThrough = (id: string): boolean => {
    const parts = replaced.get(id) ?? [];
    return has(id) || (parts.length > 0 && parts.every(isThrough));
  };
  return ({ id }) => isThrough(id);
}

/** What a database has been through and no file has. What is older than all files was put away with them. */
function strangeIn(
  tool: MigrationTool,
  table: VersionTable | undefined,
  { migrations }: RevisionFiles,
): readonly AppliedMigration[] {
  if (!table) return [];
  const known = new Set(
    migrations.flatMap(({ id, replaces = [] }) => [id, ...replaces]).map((id) => migrationKey(tool, id)),
  );
  const oldest = migrations[0];
  const isPutAway = (id: string) => isOrdered(tool) && oldest !== undefined && compareIds(tool, id, oldest.id) < 0;
  const through: readonly AppliedMigration[] =
    tool === 'Alembic' || tool === 'golang-migrate' ? table.heads.map((id) => ({ id })) : table.applied;
  return through.filter(
    ({ id, failed, baseline }) => !failed && !baseline && !known.has(migrationKey(tool, id)) && !isPutAway(id),
  );
}

/** Its files' paths as they are in the folder: a changelog is known by a path from wherever it was called. */
function withPaths(table: VersionTable, files: RevisionFiles): VersionTable {
  const known = new Set(files.migrations.map(({ id }) => id.slice(0, id.indexOf('::'))));
  const here = new Map<string, string>();
  const pathOf = (path: string): string => {
    const plain = migrationKey('Liquibase', path);
    const found =
      here.get(plain) ??
      [...known].find((one) => one === plain || plain.endsWith(`/${one}`) || one.endsWith(`/${plain}`)) ??
      plain;
    here.set(plain, found);
    return found;
  };
  const idOf = (id: string) => `${pathOf(id.slice(0, id.indexOf('::')))}${id.slice(id.indexOf('::'))}`;
  return { ...table, applied: table.applied.map((one) => ({ ...one, id: idOf(one.id) })) };
}
