import { duplicates } from './graph.ts';
import type { ReadForm, RevisionFile } from './revision-files.ts';

/** Drizzle's: a journal says which files there are, in which order, and when they were made. */
export const drizzleFiles: ReadForm = async (folder) => {
  const journal = folder.files.find((file) => /(?:^|\/)meta\/_journal\.json$/.test(file));
  if (journal === undefined) return undefined;
  const beside = journal.slice(0, -'meta/_journal.json'.length);
  const { entries, problem } = entriesOf(await folder.text(journal));
  const migrations = entries.map(({ when, tag }): RevisionFile => {
    const made = new Date(when);
    const date = Number.isNaN(made.getTime()) ? {} : { date: made.toISOString() };
    return { id: String(when), file: `${beside}${tag}.sql`, description: tag, ...date };
  });
  const known = new Set(folder.files);
  const last = migrations.reduce<RevisionFile | undefined>(
    (latest, one) => (latest && Number(latest.id) > Number(one.id) ? latest : one),
    undefined,
  );
  return {
    tools: ['Drizzle'],
    migrations: migrations.toSorted((a, b) => Number(a.id) - Number(b.id)),
    heads: last ? [last.id] : [],
    problems: [
      ...(problem === undefined ? [] : [`${journal} ${problem}`]),
      ...duplicates(migrations),
      ...migrations
        .filter(({ file }) => !known.has(file))
        .map(({ file }) => `${journal} names ${file}, which is not there`),
      ...migrations.flatMap((one, index) => {
        const before = migrations.slice(0, index).find((other) => Number(other.id) > Number(one.id));
        return before
          ? [
              `${one.file} was made before ${before.file}, which stands first: Drizzle passes it over where that was applied`,
            ]
          : [];
      }),
    ],
  };
};

interface Entry {
  readonly when: number;
  readonly tag: string;
}

function entriesOf(text: string): { readonly entries: readonly Entry[]; readonly problem?: string } {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return { entries: [], problem: 'is no JSON' };
  }
  const list = typeof found === 'object' && found !== null && 'entries' in found ? found.entries : undefined;
  if (!Array.isArray(list)) return { entries: [], problem: 'has no list of entries' };
  const entries = list.filter(isEntry);
  return entries.length === list.length ? { entries } : { entries, problem: 'has entries without when or tag' };
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  return 'when' in value && typeof value.when === 'number' && 'tag' in value && typeof value.tag === 'string';
}
