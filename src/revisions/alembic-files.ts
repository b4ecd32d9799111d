import { leavesOf, orderGraph } from './graph.ts';
import { readPython, type PythonValue } from './python-assignments.ts';
import { baseName, type ReadForm, type RevisionFile } from './revision-files.ts';

/** Alembic's: each file names itself and what it follows. */
export const alembicFiles: ReadForm = async (folder) => {
  const files: RevisionFile[] = [];
  const unread: string[] = [];
  for (const file of folder.files) {
    if (!file.endsWith('.py')) continue;
    const { docstring, assigned } = readPython(await folder.head(file), ['revision', 'down_revision', 'depends_on'], {
      nested: false,
    });
    if (!assigned.has('revision') || !assigned.has('down_revision')) continue;
    const id = assigned.get('revision');
    const parents = textsOf(assigned.get('down_revision'));
    const needed = textsOf(assigned.get('depends_on') ?? null);
    if (typeof id !== 'string' || id === '' || !parents || !needed) {
      unread.push(`${file}: its revision, down_revision or depends_on is no plain text, and it is not run to find out`);
      continue;
    }
    files.push({ id, file, parents: [...parents, ...needed], ...headerOf(docstring) });
  }
  if (files.length === 0 && unread.length === 0) return undefined;
  const labels = await labelsOf(folder, files);
  const { migrations, problems } = orderGraph(
    files.map((one) => ({ ...one, parents: (one.parents ?? []).map((parent) => labels.get(parent) ?? parent) })),
  );
  const heads = leavesOf(migrations);
  const several =
    heads.length > 1
      ? [
          `there are ${heads.length} heads, which nothing brings together: ${heads.map(({ id, file }) => `${id} (${baseName(file)})`).join(', ')}`,
        ]
      : [];
  return {
    tools: ['Alembic'],
    migrations,
    heads: heads.map(({ id }) => id),
    problems: [...unread, ...problems, ...several],
  };
};

/** A dependency may name a branch's label instead of a revision. */
async function labelsOf(
  folder: Parameters<ReadForm>[0],
  files: readonly RevisionFile[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(files.map(({ id }) => id));
  const unknown = new Set(files.flatMap(({ parents = [] }) => parents.filter((parent) => !ids.has(parent))));
  const labels = new Map<string, string>();
  if (unknown.size === 0) return labels;
  for (const { file, id } of files) {
    const { assigned } = readPython(await folder.head(file), ['branch_labels'], { nested: false });
    for (const label of textsOf(assigned.get('branch_labels') ?? null) ?? [])
      if (unknown.has(label)) labels.set(label, id);
  }
  return labels;
}

/** None, a text, or several; undefined for anything else. */
function textsOf(value: PythonValue): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = value === null ? [] : typeof value === 'string' ? [value] : value;
  return list.every((one) => typeof one === 'string') ? list : undefined;
}

/** The docstring's first line, and when it was made. */
function headerOf(docstring: string | undefined): { readonly description?: string; readonly date?: string } {
  const lines = (docstring ?? '').split(/\r?\n/).map((line) => line.trim());
  const description = lines.find((line) => line !== '');
  const made = lines
    .map((line) => /^Create Date:\s*(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?/.exec(line))
    .find(Boolean);
  const [, day, time] = made ?? [];
  const isHeader = description !== undefined && /^(?:Revision ID|Revises|Create Date):/.test(description);
  return {
    ...(description === undefined || isHeader ? {} : { description }),
    ...(day === undefined ? {} : { date: time === undefined ? day : `${day}T${time}` }),
  };
}
