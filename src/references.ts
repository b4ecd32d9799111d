import { RestageError } from './errors.ts';
import { readSome } from './referenced-keys.ts';
import { count, counted } from './report/format.ts';
import { allRows, findKeyColumns, readKeyHashes } from './postgres/rules/named-keys.ts';
import type { ReadSession } from './postgres/session.ts';
import type { SourceBucket } from './s3/bucket.ts';
import { growKeySet, type KeysOfBothEnds } from './s3/key-set.ts';
import { everything, renamed, selectsInTarget, type Selection } from './s3/selection.ts';
import { walk } from './s3/walk.ts';

/** How the keys that rows name and the objects of the target's bucket meet. */
export interface ReferenceCheck {
  readonly bucket: string;
  /** `table.column`, as the config names them. */
  readonly columns: readonly string[];
  /** Different keys that rows name. */
  readonly named: number;
  /** Of them, those that the target's bucket has not, though the source's has; with some of them. */
  readonly missing: KeySample;
  /** Those that neither bucket has. */
  readonly absent: KeySample;
  /** Of the absent, those in columns whose `absent` is `fail`; absent where there are none. */
  readonly mustExist?: KeySample;
  /** Objects of the target's bucket that no row names. */
  readonly unnamed: KeySample;
}

export interface KeySample {
  readonly keys: number;
  readonly examples: readonly string[];
}

/** What is looked for in a pair of buckets. */
export interface ReferencesWanted {
  readonly bucket: string;
  readonly columns: readonly { readonly column: string; readonly absent: 'warn' | 'fail' }[];
  readonly selection: Selection;
  /** What was written to the source's bucket since, ISO 8601, is not the copy's to have. */
  readonly until?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Lends a session with the database whose rows name keys, in a transaction. */
export type Reading = <T>(work: (session: ReadSession) => Promise<T>) => Promise<T>;

const examplesTold = 5;

/**
 * Holds the keys that rows name against both buckets. Rows of the target's database are read by the target's application: what they
 * name are keys of the target's bucket. Both buckets are listed whole, for rows may name what the selection leaves out; 9 bytes a
 * key are held. Throws `config-invalid` for columns that are not there, and what a listing throws.
 */
export async function checkReferences(
  reading: Reading,
  { source, target }: { readonly source: SourceBucket; readonly target: SourceBucket },
  { bucket, columns, selection, until, signal }: ReferencesWanted,
): Promise<ReferenceCheck> {
  const all = await readNamed(reading, columns);
  const strictly = columns.filter(({ absent }) => absent === 'fail');
  const strict =
    strictly.length === columns.length ? all : strictly.length === 0 ? undefined : await readNamed(reading, strictly);
  const sets = new Set([all, ...(strict ? [strict] : [])]);
  const meet = (key: string, end: 'source' | 'target' | 'newer') =>
    [...sets].map((keys) => keys.meet(key, end)).includes(true);
  const isSelected = selectsInTarget(selection);
  const moment = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  const unnamed = { keys: 0, examples: [] as string[] };
  await walk(
    { source, target, selection: everything },
    ({ key, source: theirs, target: ours }) => {
      if (ours && !meet(key, 'target') && isSelected(key)) {
        unnamed.keys += 1;
        if (unnamed.examples.length < examplesTold) unnamed.examples.push(key);
      }
      if (!theirs) return;
      const end = Date.parse(theirs.modifiedAt) >= moment ? 'newer' : 'source';
      // Rows that were not rewritten name it by the key that it has at the source.
      meet(key, end);
      const moved = renamed(selection, key);
      if (moved !== key) meet(moved, end);
    },
    { signal },
  );
  const sample = async (keys: KeysOfBothEnds, ends: readonly 'source'[], names = columns): Promise<KeySample> => ({
    keys: keys.count(ends),
    examples: await examplesOf(reading, names, keys.some(ends, examplesTold)),
  });
  const mustExist = strict && (await sample(strict, [], strictly));
  return {
    bucket,
    columns: columns.map(({ column }) => column),
    named: all.size,
    missing: await sample(all, ['source']),
    absent: await sample(all, []),
    ...(mustExist && mustExist.keys > 0 ? { mustExist } : {}),
    unnamed,
  };
}

type Columns = ReferencesWanted['columns'];

function readNamed(reading: Reading, columns: Columns): Promise<KeysOfBothEnds> {
  return reading(async (session) => {
    const keys = growKeySet();
    for (const column of await findReferences(session, columns))
      await readKeyHashes(session, allRows(column), keys.add);
    return keys.ofBothEnds();
  });
}

function findReferences(session: ReadSession, columns: Columns) {
  return findKeyColumns(
    session,
    columns.map(({ column }) => column),
    'verify.references',
  );
}

async function examplesOf(reading: Reading, columns: Columns, hashes: readonly string[]): Promise<readonly string[]> {
  if (hashes.length === 0) return [];
  const found = await reading(async (session) =>
    readSome(session, (await findReferences(session, columns)).map(allRows), hashes),
  );
  return found.toSorted();
}

/** What of it is a fault, in whole sentences. */
export function referenceFaults({ bucket, columns, named, missing, mustExist }: ReferenceCheck): readonly string[] {
  const where = `${bucket}: of ${counted(named, 'key')} that rows name in ${columns.join(', ')}`;
  return [
    ...(missing.keys > 0
      ? [
          `${where} ${count(missing.keys)} missing in the target's bucket, though the source's has them${exampleText(missing)}`,
        ]
      : []),
    ...(mustExist
      ? [
          `${where} ${count(mustExist.keys)} in neither bucket, though verify.references says that they must be${exampleText(mustExist)}`,
        ]
      : []),
  ];
}

function exampleText({ examples }: KeySample): string {
  return examples.length === 0 ? '' : `, e.g. ${examples.map((key) => JSON.stringify(key)).join(', ')}`;
}

/** `data-differs`, with what to do about it; undefined where nothing is wrong. */
export function referencesError(check: ReferenceCheck, selection: Selection): RestageError | undefined {
  const faults = referenceFaults(check);
  if (faults.length === 0) return undefined;
  return new RestageError('data-differs', faults.join('\n  '), { hint: hintOf(check, selection) });
}

function hintOf({ bucket, missing: { keys, examples } }: ReferenceCheck, selection: Selection): string {
  if (keys === 0)
    return 'Production has lost these objects, or its rows name what never was. Where that may be so: absent: warn in verify.references.';
  const from = Object.keys(selection.renames).find((one) => examples.some((key) => key.startsWith(one)));
  if (from !== undefined)
    return `objects.${bucket}.renames moves what begins with ${from}: rows must name the new keys, by rewrite in database.tables.`;
  const isSelected = selectsInTarget(selection);
  if (examples.some((key) => !isSelected(key)))
    return `objects.${bucket} leaves such keys out: widen its prefix, include or exclude, or take the column out of verify.references.`;
  return 'Run again: what is missing is copied then.';
}
