import { failureOf, RestageError } from '../errors.ts';
import { readSequences } from '../postgres/catalog.ts';
import { readPlaces, requireSamePlaces } from '../postgres/rules/column-places.ts';
import { analyzeParents } from '../postgres/analyze.ts';
import { difference } from '../postgres/digest.ts';
import { readPartitioned, splitForeignKeys, validate } from '../postgres/foreign-keys.ts';
import { readDeclared } from '../postgres/integrity.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import { refreshViews, restore } from '../postgres/restore.ts';
import { carrySequences, raiseSequences } from '../postgres/sequences.ts';
import { keptOf, readDatabases } from '../postgres/databases.ts';
import { describeDatabase, readDescription } from '../postgres/description.ts';
import { carryConnectionLimit } from '../postgres/incoming.ts';
import { dropDatabase } from '../postgres/swap.ts';
import { readIdentity } from '../postgres/target.ts';
import { readSkipped } from '../postgres/rules/skip.ts';
import { changedBy } from './after-load.ts';
import type { Perform } from './context.ts';
import { endReading, endWriting, lanesOf, openReaders, requireDatabase } from './database-run.ts';
import { maintenanceOf } from './maintenance.ts';
import { swap } from './recover.ts';

type DatabaseKinds =
  | 'take-snapshot'
  | 'add-keys'
  | 'fill-views'
  | 'set-sequences'
  | 'analyze'
  | 'verify-tables'
  | 'swap'
  | 'drop-previous';

/** The steps that build the new database and put it in place. */
export const databaseSteps: Perform<DatabaseKinds> = {
  'take-snapshot': async (_step, { database, signal }) => {
    const state = requireDatabase(database);
    const snapshot = await state.source.snapshot({ label: state.run, signal });
    openReaders(state, snapshot);
    // It is read while the new database is being made; copy-schema waits for it.
    state.schema = snapshot.schema(state.dumper, state.skip);
    state.schema.catch(() => {}); // told there
    const { disk } = await readIdentity(snapshot.session);
    const { origin, takenAt } = snapshot;
    return { facts: { origin, takenAt, ...(disk === undefined ? {} : { disk }) } };
  },

  'add-keys': async (_step, { database }) => {
    const state = requireDatabase(database);
    await endReading(state);
    const { rest = [], foreignKeys = [] } = state.order ?? {};
    const size = ({ table }: { readonly table: TableName }) => state.tables.get(quoteTable(table))?.sizeBytes ?? 0;
    const lanes = lanesOf(state);
    const keys = splitForeignKeys(foreignKeys, await lanes.withWriter(readPartitioned));
    const longest = keys.validate.toSorted((a, b) => size(b) - size(a));
    const refused = await lanes.withWriter(async (session) => [
      ...(await restore(session, rest)),
      ...(await restore(session, keys.add)),
    ]);
    await Promise.all(longest.map((table) => lanes.withWriter((session) => validate(session, table))));
    return { facts: { foreignKeys: foreignKeys.length, objects: rest.length - refused.length, refused } };
  },

  'fill-views': async (_step, { database }) => {
    const { comments = [], views = [], last = [] } = requireDatabase(database).order ?? {};
    const refused = await lanesOf(requireDatabase(database)).withWriter(async (session) => {
      await refreshViews(session, views);
      return [...(await restore(session, last)), ...(await restore(session, comments))];
    });
    return { facts: { views: views.length, objects: last.length + comments.length - refused.length, refused } };
  },

  'set-sequences': async (_step, { database, facts, signal }) => {
    const state = requireDatabase(database);
    await using moment = await state.source.snapshot({ label: state.run, signal });
    for (const [table, then] of state.places) requireSamePlaces(table, then, await readPlaces(moment.session, table));
    const skipped = new Set((await readSkipped(moment.session, state.skip)).map(quoteTable));
    const all = await readSequences(moment.session, state.skipExtensions);
    const found = all.filter((name) => !skipped.has(quoteTable(name)));
    const own = facts('keep-rows').flatMap(({ table, kept }) => (kept > 0 ? [table] : []));
    const sequences = await lanesOf(state).withWriter(async (session) => {
      const count = await carrySequences(moment.session, session, found);
      await raiseSequences(session, own);
      return count;
    });
    return { facts: { sequences } };
  },

  analyze: async (_step, { database }) => {
    const state = requireDatabase(database);
    await analyzeParents(lanesOf(state));
    return { facts: {} };
  },

  'verify-tables': async (_step, { database, facts }) => {
    const state = requireDatabase(database);
    state.declared.copied = await lanesOf(state).withWriter(readDeclared);
    await endWriting(state); // the next steps open sessions of their own, where a limit may leave room for few
    const loaded = facts('copy-table');
    const different = loaded.flatMap(({ table, source, target }) => difference(table, source, target) ?? []);
    if (loaded.length !== state.tables.size)
      different.push(`${loaded.length} of ${state.tables.size} tables were copied`);
    for (const { source, target } of facts('copy-large-objects'))
      if (source.rows !== target.rows || source.content !== target.content)
        different.push(`large objects: ${source.rows} at the source, ${target.rows} at the target, or not the same`);
    const rows = loaded.reduce((total, table) => total + table.source.rows, 0);
    const told = { tables: loaded.length, rows, different };
    if (different.length === 0) return { facts: told };
    return {
      facts: told,
      failure: failureOf(
        new RestageError('data-differs', `the copy is not equal to the source:\n  ${different.join('\n  ')}`),
      ),
    };
  },

  swap: async (step, context) => {
    const state = requireDatabase(context.database);
    const maintenance = await maintenanceOf(state);
    const { names, source, run } = state;
    await carryConnectionLimit(maintenance, names);
    const [snapshot] = context.facts('take-snapshot');
    const { host, port, database } = source.address;
    const tables = context.facts('copy-table');
    const changed = [
      ...changedBy(context.facts('after-load')).map((one) => ({ ...one, by: 'afterLoad' as const })),
      ...context
        .facts('settle-orphans')
        .flatMap(({ orphans }) => orphans.map(({ table, rows }) => ({ table, rows, by: 'orphans' as const }))),
    ];
    await describeDatabase(
      maintenance,
      names.incoming,
      {
        run,
        source: { host, port, database, ...(snapshot?.disk === undefined ? {} : { disk: snapshot.disk }) },
        takenAt: snapshot?.takenAt ?? '',
        swappedAt: new Date().toISOString(),
        // What a rule left behind is no measure of what the source had.
        ...(tables.some(({ limited }) => limited)
          ? {}
          : { tables: tables.length, rows: tables.reduce((sum, { source: read }) => sum + read.rows, 0) }),
        ...(changed.length > 0 ? { changed } : {}),
        ...(step.maskKey === undefined ? {} : { maskKey: step.maskKey }),
        ...(step.rules ? { rules: step.rules } : {}),
      },
      names.current,
    );
    const sessionsEnded = await swap(state, 'in');
    return { facts: { database: names.current, previous: names.previous, sessionsEnded } };
  },

  'drop-previous': async (step, { database }) => {
    const state = requireDatabase(database);
    state.stage = 'settled';
    const maintenance = await maintenanceOf(state);
    const present = await readDescription(maintenance, state.names.current);
    if (present)
      await describeDatabase(maintenance, state.names.current, { ...present, acceptedAt: new Date().toISOString() });
    const { previous } = await readDatabases(maintenance, state.names.current);
    const kept = keptOf(previous, step.keep);
    const dropped = previous.filter((one) => !kept.includes(one));
    for (const { name } of dropped) await dropDatabase(maintenance, name);
    const freedBytes = dropped.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
    const names = (some: typeof previous) => some.map(({ name }) => name).toReversed();
    return { facts: { dropped: names(dropped), kept: names(kept), ...(freedBytes > 0 ? { freedBytes } : {}) } };
  },
};
