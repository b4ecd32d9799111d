import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { RestageError } from '../errors.ts';
import { compareTexts } from '../postgres/version-tables/migration-id.ts';
import { alembicFiles } from './alembic-files.ts';
import { djangoFiles } from './django-files.ts';
import { drizzleFiles } from './drizzle-files.ts';
import { liquibaseFiles } from './liquibase-files.ts';
import {
  dbmateFiles,
  entityFrameworkFiles,
  flywayFiles,
  golangFiles,
  prismaFiles,
  railsFiles,
  scriptFiles,
  typeormFiles,
} from './numbered-files.ts';
import type { FileFolder, ReadForm, RevisionFiles } from './revision-files.ts';

const forms: readonly ReadForm[] = [
  alembicFiles,
  djangoFiles,
  drizzleFiles,
  prismaFiles,
  flywayFiles,
  golangFiles,
  railsFiles,
  dbmateFiles,
  entityFrameworkFiles,
  typeormFiles,
  scriptFiles,
  liquibaseFiles,
];

const mostFiles = 20_000;
const mostBytes = 8_000_000;
const headBytes = 65_536;
const deepest = 6;

/** Where dependencies of the code lie, which bring migrations of their own. */
const foreign = new Set(['node_modules', '__pycache__', 'site-packages', 'venv']);

/**
 * The migrations of `migrate.versions`, by each form of files that is there. Nothing is run.
 * Throws `config-invalid` where the folder cannot be read, or holds none.
 */
export async function readRevisionFiles(path: string): Promise<readonly RevisionFiles[]> {
  const files = await listRevisionFiles(path);
  const folder: FileFolder = {
    path,
    files,
    head: (file) => reading(path, file, () => headOf(join(path, file))),
    text: (file) => reading(path, file, () => wholeOf(join(path, file))),
  };
  const found: RevisionFiles[] = [];
  for (const read of forms) {
    const form = await read(folder);
    // Reports are read by people elsewhere: what lies above this folder says nothing to them.
    if (form) found.push({ ...form, folder: relative('.', path) || '.' });
  }
  if (found.length === 0)
    throw wrong(
      path,
      `holds no migrations that restage knows, among ${files.length} ${files.length === 1 ? 'file' : 'files'}`,
    );
  return found;
}

/** The files below, by name; what is hidden, or is somebody else's code, is left out. Throws `config-invalid`. */
export async function listRevisionFiles(path: string): Promise<string[]> {
  const files: string[] = [];
  const enter = async (inside: string, depth: number): Promise<void> => {
    const entries = await readdir(join(path, inside), { withFileTypes: true }).catch((error: unknown) => {
      throw wrong(path, `cannot be read: ${wordsOf(error)}`, error);
    });
    for (const entry of entries.toSorted((a, b) => compareTexts(a.name, b.name))) {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory()) {
        if (depth < deepest && !entry.name.startsWith('.') && !foreign.has(entry.name)) await enter(name, depth + 1);
      } else if (entry.isFile()) files.push(name);
      if (files.length > mostFiles)
        throw wrong(path, `holds more than ${mostFiles} files: the folder of the migrations alone is meant`);
    }
  };
  await enter('', 0);
  return files;
}

async function headOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

/** Of what is too large to be written by anybody, nothing. */
async function wholeOf(file: string): Promise<string> {
  const { size } = await stat(file);
  return size > mostBytes ? '' : readFile(file, 'utf8');
}

async function reading(path: string, file: string, read: () => Promise<string>): Promise<string> {
  return read().catch((error: unknown) => {
    throw wrong(path, `cannot be read: ${file}: ${wordsOf(error)}`, error);
  });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function wrong(path: string, what: string, cause?: unknown): RestageError {
  return new RestageError('config-invalid', `migrate.versions: ${path} ${what}`, {
    cause,
    hint: "It is the folder of the migrations of staging's code, e.g. alembic/versions or db/migrate. A relative path begins at the config's folder.",
  });
}
