import type { Table } from './catalog.ts';
import { addDigests, countRows, type Digest } from './digest.ts';
import { isEmpty, requireRows, type Lanes, type LoadOptions } from './load.ts';
import { blockRanges, inRange } from './ranges.ts';
import { requireSameFile } from './rewritten.ts';
import { conditionOf, isRepeatable } from './rules/table-rows.ts';
import { hasNoRows } from './rules/table-rule.ts';
import { sqlState } from './session-error.ts';
import type { ReadSession } from './session.ts';
import { digestSource, digestTarget } from './table-digests.ts';

export interface ComparedTable {
  readonly source: Digest;
  readonly target: Digest;
}

/**
 * Whether the target still holds what would be copied: both ends' digests where they are the same, in the snapshot that the readers
 * see; undefined where they are not, or where the rule has other values each time. By content, whatever `verify` says: that as many
 * rows are there says nothing of whether they are those of this moment. Throws `data-differs` where the source's table was rewritten
 * after the snapshot, `table-empty`, `statement-failed`.
 */
export async function compareTable(
  lanes: Lanes,
  table: Table,
  options: Pick<LoadOptions, 'parts' | 'rule' | 'conditions' | 'mayBeEmpty'>,
): Promise<ComparedTable | undefined> {
  const { rule } = options;
  if (rule && !isRepeatable(rule)) return undefined;
  const isLeftOut = hasNoRows(rule);
  if (isLeftOut || (table.ofExtension !== undefined && (await lanes.withReader((reader) => isEmpty(reader, table))))) {
    const rows = await lanes.withWriter((writer) => countOwn(writer, table));
    return rows === 0 ? { source: { rows: 0 }, target: { rows: 0 } } : undefined;
  }
  const [source, target] = await Promise.all([readSource(lanes, table, options), readTarget(lanes, table, options)]);
  // Rows that a rewriting put elsewhere are missed, and those of a table that was emptied are not seen.
  await lanes.withReader((reader) => requireSameFile(reader, table));
  requireRows(table, source.rows, options);
  return source.rows === target.rows && source.content === target.content ? { source, target } : undefined;
}

async function readSource(
  lanes: Lanes,
  table: Table,
  options: Pick<LoadOptions, 'parts' | 'rule' | 'conditions'>,
): Promise<Digest> {
  const { parts } = options;
  if (!options.conditions && parts === 1) return lanes.withReader((reader) => digestSource(reader, table, options));
  const conditions =
    options.conditions ??
    (await lanes.withReader((reader) => blockRanges(reader, table.table, parts))).map((range) => inRange(range));
  const digests = conditions.map((condition) =>
    lanes.withReader((reader) => digestSource(reader, table, options, condition)),
  );
  return addDigests(await Promise.all(digests));
}

async function readTarget(lanes: Lanes, table: Table, options: Pick<LoadOptions, 'parts' | 'rule'>): Promise<Digest> {
  if (options.parts === 1) return lanes.withWriter((writer) => digestTarget(writer, table, options));
  const pieces = await lanes.withWriter((writer) => blockRanges(writer, table.table, options.parts));
  const digests = pieces.map((piece) =>
    lanes.withWriter((writer) => digestTarget(writer, table, options, inRange(piece))),
  );
  return addDigests(await Promise.all(digests));
}

/** How many rows the target's table has; of an extension's table, of those that are the users'. */
export async function countOwn(writer: ReadSession, table: Table): Promise<number> {
  try {
    return (await countRows(writer, table, conditionOf(table, undefined))).rows;
  } catch (error) {
    if (table.ofExtension !== undefined && sqlState(error) === '42501') return 0; // closed to us: nothing of ours is there
    throw error;
  }
}
