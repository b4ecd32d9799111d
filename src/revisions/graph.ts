import { compareTexts } from '../postgres/version-tables/migration-id.ts';
import type { RevisionFile } from './revision-files.ts';

export interface Ordered {
  /** Parents before those that follow them; of two that are ready, the older one. */
  readonly migrations: readonly RevisionFile[];
  readonly problems: readonly string[];
}

/**
 * Orders what names its parents, and says what is wrong: an id in two files, a parent that no file is, a circle.
 * `isElsewhere` is true of parents that are not expected among these files.
 */
export function orderGraph(
  files: readonly RevisionFile[],
  isElsewhere: (id: string) => boolean = () => false,
): Ordered {
  const byId = new Map<string, RevisionFile>();
  for (const file of files) if (!byId.has(file.id)) byId.set(file.id, file);
  const missing = [...byId.values()].flatMap(({ parents = [], file }) =>
    parents
      .filter((parent) => !byId.has(parent) && !isElsewhere(parent))
      .map((parent) => `${file} follows ${parent}, which no file here is`),
  );
  const waiting = new Map<RevisionFile, Set<string>>();
  const followers = new Map<string, RevisionFile[]>();
  for (const file of byId.values()) {
    const parents = new Set((file.parents ?? []).filter((parent) => byId.has(parent)));
    waiting.set(file, parents);
    for (const parent of parents) {
      const known = followers.get(parent);
      if (known) known.push(file);
      else followers.set(parent, [file]);
    }
  }
  const ready = [...byId.values()].filter((file) => waiting.get(file)?.size === 0).toSorted(byAge);
  const migrations: RevisionFile[] = [];
  for (let next = ready.shift(); next; next = ready.shift()) {
    migrations.push(next);
    for (const follower of followers.get(next.id) ?? []) {
      const left = waiting.get(follower);
      left?.delete(next.id);
      if (left?.size !== 0) continue;
      const place = ready.findIndex((other) => byAge(follower, other) < 0);
      ready.splice(place < 0 ? ready.length : place, 0, follower);
    }
  }
  const done = new Set(migrations);
  const left = [...byId.values()].filter((file) => !done.has(file));
  const circle = circleOf(left);
  return {
    migrations: [...migrations, ...left],
    problems: [
      ...duplicates(files),
      ...missing,
      ...(circle.length === 0
        ? []
        : [`these follow each other in a circle: ${circle.map(({ file }) => file).join(', ')}`]),
    ],
  };
}

/** Ids that are in two files, each in a sentence. */
export function duplicates(files: readonly RevisionFile[], keyOf: (id: string) => string = (id) => id): string[] {
  return [...Map.groupBy(files, ({ id }) => keyOf(id)).values()]
    .filter((all) => all.length > 1)
    .map(
      (all) =>
        `${all[0]?.id} is there ${all.length === 2 ? 'twice' : `${all.length} times`}: ${all.map(({ file }) => file).join(', ')}`,
    );
}

/** Those that nothing follows: by parents and dependencies alike. */
export function leavesOf(files: readonly RevisionFile[]): RevisionFile[] {
  const followed = new Set(files.flatMap(({ parents = [] }) => parents));
  return files.filter(({ id }) => !followed.has(id));
}

/** An id with everything that it follows. */
export function ancestorsOf(ids: readonly string[], files: readonly RevisionFile[]): Set<string> {
  const byId = new Map(files.map((file) => [file.id, file]));
  const found = new Set<string>();
  const left = [...ids];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    left.push(...(byId.get(id)?.parents ?? []));
  }
  return found;
}

/** What is left cannot be begun: it is in a circle, or follows one. Those that nothing of it follows are not in it. */
function circleOf(left: readonly RevisionFile[]): readonly RevisionFile[] {
  let circle = left;
  for (;;) {
    const followed = new Set(circle.flatMap(({ parents = [] }) => parents));
    const inner = circle.filter(({ id }) => followed.has(id));
    if (inner.length === circle.length) return circle;
    circle = inner;
  }
}

function byAge(one: RevisionFile, other: RevisionFile): number {
  return compareTexts(one.date ?? '', other.date ?? '') || compareTexts(one.id, other.id);
}
