import { basename, dirname } from 'node:path';
import { orderGraph } from './graph.ts';
import { readPython, type PythonValue } from './python-assignments.ts';
import { baseName, described, type FileFolder, type ReadForm, type RevisionFile } from './revision-files.ts';

/** Django's: of one app or of a whole project; each names its dependencies, of other apps too. */
export const djangoFiles: ReadForm = async (folder) => {
  const files: RevisionFile[] = [];
  const unread: string[] = [];
  for (const file of folder.files) {
    const name = baseName(file).replace(/\.py$/, '');
    if (!file.endsWith('.py') || name === '__init__') continue;
    const read = readPython(await folder.text(file), ['dependencies', 'replaces'], { nested: true });
    if (!read.classes.some((line) => /^class Migration \( (?:migrations \. )?Migration\b/.test(line))) continue;
    const app = appOf(folder, file);
    const id = `${app}.${name}`;
    const parents = idsOf(read.assigned.get('dependencies') ?? []);
    const replaces = idsOf(read.assigned.get('replaces') ?? []);
    if (!parents || !replaces) {
      unread.push(`${file}: its dependencies or what it replaces are no plain list, and it is not run to find out`);
      continue;
    }
    files.push({
      id,
      app,
      file,
      parents,
      ...described(name.replace(/^\d+_/, '')),
      ...(replaces.length > 0 ? { replaces } : {}),
    });
  }
  if (files.length === 0 && unread.length === 0) return undefined;
  const apps = new Set(files.map(({ app }) => app));
  // What several were squashed into stands for them, whether their files are still there or not.
  const instead = new Map(files.flatMap(({ id, replaces = [] }) => replaces.map((old) => [old, id] as const)));
  const squashed = files
    .filter(({ id }) => !instead.has(id))
    .map((one) => ({ ...one, parents: parentsOf(one, files, instead) }));
  const { migrations, problems } = orderGraph(squashed, (parent) => !apps.has(parent.slice(0, parent.indexOf('.'))));
  const leaves = [...apps].flatMap((app) => {
    const own = migrations.filter((one) => one.app === app);
    const followed = new Set(own.flatMap(({ parents = [] }) => parents));
    return [own.filter(({ id }) => !followed.has(id))];
  });
  const several = leaves
    .filter((all) => all.length > 1)
    .map(
      (all) =>
        `${all[0]?.app} has ${all.length} migrations that nothing follows: ${all.map(({ file }) => file).join(', ')}`,
    );
  return {
    tools: ['Django'],
    migrations,
    heads: leaves.flatMap((all) => all.map(({ id }) => id)),
    problems: [...unread, ...problems, ...several],
  };
};

function parentsOf(
  { id, parents = [], replaces = [] }: RevisionFile,
  files: readonly RevisionFile[],
  instead: ReadonlyMap<string, string>,
): string[] {
  // It follows what those follow that it is made of.
  const inner = files.filter((one) => replaces.includes(one.id)).flatMap((one) => one.parents ?? []);
  const all = [...parents, ...inner].map((parent) => instead.get(parent) ?? parent);
  return [...new Set(all)].filter((parent) => parent !== id && !/\.__(?:first|latest)__$/.test(parent));
}

/** The folder that holds the folder of migrations. */
function appOf({ path }: FileFolder, file: string): string {
  const inside = dirname(file);
  const holder = inside === '.' ? path : `${path}/${inside}`;
  return basename(holder) === 'migrations' ? basename(dirname(holder)) : basename(holder);
}

/** Pairs of app and name; what is a call, as for the user model that is swapped in, is left out. */
function idsOf(value: PythonValue): readonly string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return value.flatMap((pair) => {
    if (typeof pair !== 'object' || pair === null) return [];
    const [app, name] = pair;
    return typeof app === 'string' && typeof name === 'string' ? [`${app}.${name}`] : [];
  });
}
