import type { MigrationTool } from '../postgres/version-tables.ts';
import type { Migration } from './planned-migrations.ts';

/** The migrations of a folder, as one tool's files have them. */
export interface RevisionFiles {
  /** Whose they may be: names alone do not tell some tools apart. */
  readonly tools: readonly MigrationTool[];
  readonly folder: string;
  /** In the order in which they are applied. */
  readonly migrations: readonly RevisionFile[];
  /** Where they end: of a graph what nothing follows. */
  readonly heads: readonly string[];
  readonly problems: readonly string[];
}

export interface RevisionFile extends Migration {
  /** From the folder. */
  readonly file: string;
  /** The part of a project that it belongs to. */
  readonly app?: string;
  /** Those that must be applied before; absent where the ids' order says it. */
  readonly parents?: readonly string[];
  /** Of these it is made, and stands for all of them. */
  readonly replaces?: readonly string[];
  /** Whether it is applied is known only where it is run. */
  readonly conditional?: true;
}

/** What one form of files comes to; undefined where none of the folder's files has it. */
export type ReadForm = (folder: FileFolder) => Promise<Omit<RevisionFiles, 'folder'> | undefined>;

/** The files of a folder, and of those below. */
export interface FileFolder {
  readonly path: string;
  /** From the folder, with / between, in the order of their names. */
  readonly files: readonly string[];
  /** The beginning of a file, as text: enough for what stands at its top. */
  head(file: string): Promise<string>;
  /** All of it. */
  text(file: string): Promise<string>;
}

/** The name within its folder. */
export function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** add_author_tier, AddAuthorTier or add-author-tier as people write it. */
function wordsOf(name: string): string {
  const words = name
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, (_all, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .replaceAll(/[_-]+/g, ' ')
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The description of a name, if it has words. */
export function described(name: string): { readonly description?: string } {
  const words = wordsOf(name);
  return words === '' ? {} : { description: words };
}
