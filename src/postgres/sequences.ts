import { lettingLocksGo } from './catalog.ts';
import { quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** Sets every sequence to where the source's stands now: sequences are not part of any snapshot. Returns how many. */
export async function carrySequences(
  source: ReadSession,
  target: Session,
  sequences: readonly TableName[],
): Promise<number> {
  // A hundred at a time: a statement's text and its columns have limits, a round trip is cheap.
  for (let start = 0; start < sequences.length; start += 100) {
    const some = sequences.slice(start, start + 100);
    const read = some.map(
      (name, index) =>
        `select ${index} as index, last_value as last, is_called::text as called from ${quoteTable(name)}`,
    );
    const states = await lettingLocksGo(source, () =>
      source.rows<{ index: string; last: string; called: string }>(read.join(' union all ')),
    );
    const set = states.map(({ index, last, called }) => {
      const name = some[Number(index)];
      return `setval(${quoteText(name ? quoteTable(name) : '')}, ${last}, ${called})`;
    });
    await target.rows(`select ${set.join(', ')}`);
  }
  return sequences.length;
}
