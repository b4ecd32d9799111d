import { compareIds, compareTexts, migrationKey } from '../postgres/version-tables/migration-id.ts';
import type { MigrationTool } from '../postgres/version-tables.ts';
import { duplicates } from './graph.ts';
import { dateOfId } from './id-date.ts';
import { baseName, described, type FileFolder, type ReadForm, type RevisionFile } from './revision-files.ts';

/** What a file's name and text say; undefined where it is no migration of that tool. */
type ReadName = (folder: FileFolder, file: string) => RevisionFile | undefined | Promise<RevisionFile | undefined>;

/** Files whose names begin with a number or a time, and are applied in that order. */
function numbered(tools: readonly [MigrationTool, ...MigrationTool[]], read: ReadName): ReadForm {
  const [tool] = tools;
  return async (folder) => {
    const files: RevisionFile[] = [];
    for (const file of folder.files) {
      const found = await read(folder, file);
      if (found) files.push(found);
    }
    if (files.length === 0) return undefined;
    const migrations = files.toSorted((a, b) => compareIds(tool, a.id, b.id) || compareTexts(a.file, b.file));
    const last = migrations.findLast(({ id }) => tool !== 'Flyway' || /^\d/.test(id));
    return {
      tools,
      migrations,
      heads: last ? [last.id] : [],
      problems: duplicates(migrations, (id) => migrationKey(tool, id)),
    };
  };
}

/** The id is the number, the rest of the name says what it does. */
function byNumber(pattern: RegExp): ReadName {
  return (_folder, file) => {
    const [, number, name = ''] = pattern.exec(baseName(file)) ?? [];
    return number === undefined ? undefined : { id: number, file, ...described(name), ...dateOfId(number) };
  };
}

/** The id is the name, without what a compiler changes of it. */
function byName(file: string, id = baseName(file).replace(/\.\w+$/, '')): RevisionFile {
  return { id, file, ...described(id.replace(/^[\d_-]+/, '')), ...dateOfId(id) };
}

export const railsFiles = numbered(['Rails'], byNumber(/^(\d+)_(\w+?)(?:\.\w+)?\.rb$/));

export const golangFiles = numbered(['golang-migrate'], byNumber(/^(\d+)_(.*)\.up\.\w+$/));

export const dbmateFiles = numbered(['dbmate'], async (folder, file) => {
  const found = await byNumber(/^(\d+)_?(.*)\.sql$/)(folder, file);
  return found && /^\s*--\s*migrate:up\b/m.test(await folder.head(file)) ? found : undefined;
});

/** Versions, and what is applied again whenever it changes; baselines and what undoes are none of the way forward. */
export const flywayFiles = numbered(['Flyway'], (_folder, file) => {
  const name = baseName(file);
  const [, version, words = ''] = /^V(\d+(?:[._]\d+)*)__(.+)\.(?:sql|java|kt|groovy|scala|py)$/.exec(name) ?? [];
  if (version !== undefined)
    return { id: version.replaceAll('_', '.'), file, ...described(words), ...dateOfId(version) };
  const [, again, what = ''] = /^(R__(.+))\.(?:sql|java|kt|groovy|scala|py)$/.exec(name) ?? [];
  return again === undefined ? undefined : { id: again, file, ...described(what) };
});

export const entityFrameworkFiles = numbered(['Entity Framework'], (_folder, file) =>
  /^\d{14}_.+\.(?:cs|vb|fs)$/.test(baseName(file)) && !/\.designer\.\w+$/i.test(file) ? byName(file) : undefined,
);

/** A class whose name, or the name that it gives itself, ends with its time. */
export const typeormFiles = numbered(['TypeORM'], async (folder, file) => {
  if (!isScript(file)) return undefined;
  const id = typeormId(await folder.head(file));
  if (id === undefined) return undefined;
  return { id, file, ...described(id.replace(/\d+$/, '')), ...dateOfId(id) };
});

function typeormId(text: string): string | undefined {
  const [, className] = /\bclass\s+(\w*\d{13})\b/.exec(text) ?? [];
  const [, ownName] = /^\s*(?:readonly\s+)?name\s*(?::\s*string\s*)?=\s*['"`](\w*\d{13})['"`]/m.exec(text) ?? [];
  return ownName ?? className;
}

/** The same names for three tools: which of them it is, the database's table says. */
export const scriptFiles = numbered(['Knex', 'node-pg-migrate', 'Sequelize'], async (folder, file) => {
  const name = baseName(file);
  if (!/^\d+[_-]/.test(name)) return undefined;
  if (name.endsWith('.sql'))
    return /^\s*--\s*up migration\b/im.test(await folder.head(file)) ? byName(file) : undefined;
  return isScript(file) && typeormId(await folder.head(file)) === undefined ? byName(file) : undefined;
});

/** Folders, each with its statements in migration.sql. */
export const prismaFiles = numbered(['Prisma'], (_folder, file) => {
  const [, id] = /^(?:.*\/)?([^/]+)\/migration\.sql$/.exec(file) ?? [];
  return id === undefined ? undefined : { id, file, ...described(id.replace(/^\d+_?/, '')), ...dateOfId(id) };
});

function isScript(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file) && !/\.d\.[cm]?ts$/.test(file);
}
