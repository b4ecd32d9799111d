import { failureOf, RestageError } from '../errors.ts';
import { readSequences, readTables, readUnfilledViews } from '../postgres/catalog.ts';
import { arrange, carrySequences, difference, loadTable, refreshViews, restore } from '../postgres/clone.ts';
import { quoteTable } from '../postgres/names.ts';
import {
  carryConnectionLimit,
  createIncoming,
  describeDatabase,
  dropDatabase,
  findLeftovers,
  readDescription,
} from '../postgres/swap.ts';
import type { Perform } from './context.ts';
import { endReading, findTable, maintenanceOf, openIncoming, requireDatabase, swap, withLane } from './database-run.ts';

type DatabaseKinds =
  | 'take-snapshot'
  | 'create-database'
  | 'copy-schema'
  | 'copy-table'
  | 'add-keys'
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
    state.snapshot = snapshot;
    const tables = await readTables(snapshot.session);
    state.tables = new Map(tables.map((table) => [quoteTable(table.table), table]));
    return { facts: { origin: snapshot.origin, takenAt: snapshot.takenAt } };
  },

  'create-database': async (_step, { database }) => {
    const state = requireDatabase(database);
    const maintenance = await maintenanceOf(state);
    // The lock is ours, so whatever another run was building, it is not building any more.
    const { incoming } = await findLeftovers(maintenance, state.names.current);
    for (const left of incoming) await dropDatabase(maintenance, left);
    state.stage = 'building';
    state.incomingOid = await createIncoming(maintenance, state.names);
    return {
      facts: {
        origin: { ...maintenance.origin, database: state.names.incoming },
        database: state.names.incoming,
        reclaimed: incoming,
      },
    };
  },

  'copy-schema': async (_step, { database, signal }) => {
    const state = requireDatabase(database);
    if (!state.snapshot) throw new RestageError('internal', 'the schema is to be read without a snapshot');
    const unfilled = await readUnfilledViews(state.snapshot.session);
    const order = arrange(await state.snapshot.schema(), [...state.tables.values()], unfilled);
    state.order = order;
    await using session = await openIncoming(state, signal);
    await restore(session, order.before);
    return { facts: { objects: order.before.length, refused: [] } };
  },

  'copy-table': async (step, context) => {
    const state = requireDatabase(context.database);
    const table = findTable(state, step.table);
    const indexes = state.order?.byTable.get(quoteTable(step.table)) ?? [];
    let bytes = 0;
    const loaded = await withLane(state, context.signal, ({ reader, writer }) =>
      loadTable(reader, writer, table, indexes, {
        onBytes: (more) => context.progress(step, { bytes: (bytes += more) }),
        signal: context.signal,
      }),
    );
    return { facts: { table: step.table, ...loaded } };
  },

  'add-keys': async (_step, context) => {
    const state = requireDatabase(context.database);
    await endReading(state);
    const { rest = [], views = [], last = [] } = state.order ?? {};
    await using session = await openIncoming(state, context.signal);
    await restore(session, rest);
    await refreshViews(session, views);
    await restore(session, last);
    const foreignKeys = rest.filter(({ type }) => type === 'FK CONSTRAINT').length;
    return { facts: { foreignKeys, objects: rest.length + last.length - foreignKeys, refused: [] } };
  },

  'set-sequences': async (_step, { database, signal }) => {
    const state = requireDatabase(database);
    await using moment = await state.source.snapshot({ label: state.run, signal });
    await using session = await openIncoming(state, signal);
    const found = await readSequences(moment.session);
    return {
      facts: {
        sequences: await carrySequences(moment.session, session, found),
      },
    };
  },

  analyze: async (_step, { database, signal }) => {
    await using session = await openIncoming(requireDatabase(database), signal);
    await session.execute('analyze');
    return { facts: {} };
  },

  'verify-tables': async (_step, { database, facts }) => {
    const state = requireDatabase(database);
    const loaded = facts('copy-table');
    const different = loaded.flatMap(({ table, source, target }) => difference(table, source, target) ?? []);
    if (loaded.length !== state.tables.size)
      different.push(`${loaded.length} of ${state.tables.size} tables were copied`);
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

  swap: async (_step, context) => {
    const state = requireDatabase(context.database);
    const maintenance = await maintenanceOf(state);
    const { names, source, run } = state;
    await carryConnectionLimit(maintenance, names);
    const [snapshot] = context.facts('take-snapshot');
    await describeDatabase(maintenance, names.incoming, {
      run,
      source: { host: source.address.host, port: source.address.port, database: source.address.database },
      takenAt: snapshot?.takenAt ?? '',
      swappedAt: new Date().toISOString(),
    });
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
    const { previous } = await findLeftovers(maintenance, state.names.current);
    // What a killed run put in place was never verified to its end: it must not push out the last that was.
    const good: string[] = [];
    for (const name of previous) {
      const description = await readDescription(maintenance, name);
      if (!description || description.acceptedAt) good.push(name);
    }
    const kept = good.slice(Math.max(0, good.length - step.keep));
    const dropped = previous.filter((name) => !kept.includes(name));
    for (const name of dropped) await dropDatabase(maintenance, name);
    return { facts: { dropped, kept } };
  },
};
