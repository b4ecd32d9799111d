import type { Facts } from '../facts.ts';
import { compareTable, countOwn } from '../postgres/compare-table.ts';
import { clearTable, hasAll, isBare } from '../postgres/held-tables.ts';
import { loadTable, type LoadOptions } from '../postgres/load.ts';
import type { Table } from '../postgres/catalog.ts';
import { quoteTable } from '../postgres/names.ts';
import { readPlaces } from '../postgres/rules/column-places.ts';
import { changesValues } from '../postgres/rules/table-rows.ts';
import { limitsRows } from '../postgres/rules/table-rule.ts';
import { requireLeast } from '../shrink.ts';
import type { Perform } from './context.ts';
import { findTable, lanesOf, requireDatabase, type DatabaseRun } from './database-run.ts';
import { requireSelected, selectionOf } from './subset.ts';

type Loaded = Omit<Facts['copy-table'], 'table' | 'limited'>;

/** The source's rows: loaded; or, where an earlier part of the run has loaded them, those of this part's moment. */
export const copyTableSteps: Perform<'copy-table'> = {
  'copy-table': async (step, context) => {
    const state = requireDatabase(context.database);
    const table = findTable(state, step.table);
    const name = quoteTable(step.table);
    let bytes = 0;
    if (changesValues(table, step.rule))
      state.places.set(table.table, await lanesOf(state).withReader((reader) => readPlaces(reader, table.table)));
    const { selected, ...selection } = selectionOf(state, table, step.rule);
    const loaded = await load(state, table, {
      parts: step.parts,
      verify: step.verify,
      mayBeEmpty: step.mayBeEmpty,
      ...selection,
      analyze: !state.analyzedLater.has(name),
      onBytes: (more) => context.progress(step, { bytes: (bytes += more) }),
      signal: context.signal,
    });
    requireSelected(table, loaded.source.rows, selected);
    if (state.snapshot && !selected) requireLeast(step.table, loaded.source.rows, step.least, state.snapshot.origin);
    const limited = limitsRows(step.rule) || selected !== undefined;
    return { facts: { table: step.table, ...loaded, ...(limited ? { limited } : {}) } };
  },
};

/**
 * What an earlier part has loaded whole is compared, and stays where the source has the same; all else of an earlier part goes,
 * whatever it was: of a part that was killed nobody knows how far it came.
 */
async function load(state: DatabaseRun, table: Table, options: LoadOptions): Promise<Loaded> {
  const name = quoteTable(table.table);
  const lanes = lanesOf(state);
  const entries = state.order?.byTable.get(name) ?? [];
  const held = state.held.get(name);
  if (!state.earlier || !held) return loadTable(lanes, table, entries, options);
  const then = state.earlier.loaded.get(name);
  const clock = performance.now();
  // Of an extension's table without rows nothing is made, as nothing is asked.
  const isWhole = hasAll(held, entries) || (table.ofExtension !== undefined && then?.rows === 0);
  const same = then && isWhole ? await compareTable(lanes, table, options) : undefined;
  const compareMs = Math.round(performance.now() - clock);
  if (then && same) return { ...figuresOf(then), rows: same.source.rows, ...same, since: 'same', compareMs };
  // What CREATE EXTENSION has filled may be closed to us, and is no row that was copied.
  const own =
    table.ofExtension === undefined ? held.bytes : await lanes.withWriter((writer) => countOwn(writer, table));
  if (!isBare({ ...held, bytes: own }, entries))
    await lanes.withWriter((writer) => clearTable(writer, table, entries, held));
  const loaded = await loadTable(lanes, table, entries, options);
  return then ? { ...loaded, since: 'again', compareMs } : loaded;
}

function figuresOf({ bytes, copyMs, indexMs, analyzeMs, digestMs }: Facts['copy-table']) {
  return { bytes, copyMs, indexMs, analyzeMs, digestMs };
}
