import { rowsOf, type Column, type Table } from '../catalog.ts';
import { rowHash } from '../digest.ts';
import type { ReadSession } from '../session.ts';
import { conditionOf, selectRows } from './table-rows.ts';
import type { TableRule } from './table-rule.ts';

// Two tables of which only a part is meant to be alike, held together row by row: by hashes, which each server makes of its own.

/** A row by a hash of its key and one of all that is compared of it. */
interface HashedRow {
  readonly key: bigint;
  readonly row: bigint;
}

export interface Contained {
  /** Rows of the source, as their rule has them. */
  readonly source: number;
  readonly target: number;
  readonly same: number;
  /** The same key, another content. */
  readonly different: number;
  /** Rows of the source whose key the target has not. */
  readonly missing: number;
}

const pageRows = 10_000;

/**
 * Looks for each row of the source in the target. Both servers sort their rows by a hash of the key; nothing of either is held here
 * but a page of hashes. In transactions of both sessions, whose savepoints are the caller's.
 */
export async function findContained(
  source: { readonly session: ReadSession; readonly select: string },
  target: { readonly session: ReadSession; readonly select: string },
  key: readonly Column[],
  columns: readonly Column[],
): Promise<Contained> {
  const found = { source: 0, target: 0, same: 0, different: 0, missing: 0 };
  const theirs = readHashes(source.session, source.select, key, columns);
  const ours = readHashes(target.session, target.select, key, columns);
  let [left, right] = [await theirs.next(), await ours.next()];
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : compare(left.value, right.value);
    if (order <= 0) found.source += 1;
    if (order >= 0) found.target += 1;
    if (order < 0) found.missing += 1;
    if (order === 0) found[left.value?.row === right.value?.row ? 'same' : 'different'] += 1;
    const [stepLeft, stepRight] = [order <= 0, order >= 0];
    if (stepLeft) left = await theirs.next();
    if (stepRight) right = await ours.next();
  }
  return found;
}

function compare(a: HashedRow, b: HashedRow): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

async function* readHashes(
  session: ReadSession,
  select: string,
  key: readonly Column[],
  columns: readonly Column[],
): AsyncGenerator<HashedRow, undefined> {
  await session.rows(`
    declare restage_rows no scroll cursor for
    select ${rowHash(key)} as key, ${rowHash(columns)} as row
      from (${select}) as "rows"
     order by 1, 2`);
  for (;;) {
    const page = await session.rows<{ key: string; row: string }>(`fetch ${pageRows} from restage_rows`);
    for (const { key: keyHash, row } of page) yield { key: BigInt(keyHash), row: BigInt(row) };
    if (page.length < pageRows) break;
  }
  await session.rows('close restage_rows');
  return undefined;
}

/** The rows of the source as their rule has them, and those of the target as they are. */
export function bothSelects(
  ours: Table,
  rule: TableRule,
  theirs: Table,
): { readonly source: string; readonly target: string } {
  return {
    source: selectRows(ours, rule),
    target: `select * from ${rowsOf(theirs)}${conditionOf(ours, undefined)}`,
  };
}
