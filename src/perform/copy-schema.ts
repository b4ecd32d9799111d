import { allOf } from '../all-of.ts';
import { RestageError } from '../errors.ts';
import { analyzedWithParents } from '../postgres/analyze.ts';
import { findForeign } from '../postgres/built-print.ts';
import { columnsPrint, readTables, readUnfilledViews, type Table } from '../postgres/catalog.ts';
import { belongsToExtension } from '../postgres/extensions.ts';
import { readHeldTables } from '../postgres/held-tables.ts';
import { readDeclared } from '../postgres/integrity.ts';
import { countLargeObjects } from '../postgres/large-objects.ts';
import { withRoles } from '../postgres/named-roles.ts';
import { quoteTable } from '../postgres/names.ts';
import { arrange, restore } from '../postgres/restore.ts';
import { isOfPublication, printOfDump, type SchemaEntry } from '../postgres/schema-entries.ts';
import { someOf } from '../postgres/some-of.ts';
import type { Step } from '../step.ts';
import type { Perform } from './context.ts';
import { lost } from './create-database.ts';
import { lanesOf, requireDatabase } from './database-run.ts';

/** What the rows go into; and what waits for them, arranged. */
export const copySchemaSteps: Perform<'copy-schema'> = {
  'copy-schema': async (step, { database }) => {
    const state = requireDatabase(database);
    if (!state.snapshot || !state.schema)
      throw new RestageError('internal', 'the schema is to be made without a snapshot');
    state.skipExtensions = step.skipExtensions;
    const { session: holder } = state.snapshot;
    const readCatalog = async () => ({
      tables: await readTables(holder, step.skipExtensions),
      unfilled: await readUnfilledViews(holder),
      largeObjects: await countLargeObjects(holder),
      declared: await readDeclared(holder),
    });
    const [{ before, after }, { tables: found, unfilled, largeObjects, declared }] = await allOf([
      state.schema,
      readCatalog(),
    ]);
    state.declared.source = declared;
    // The dump holds more than is wanted.
    const adapt = (entries: readonly SchemaEntry[]) =>
      entries
        .filter((entry) => !belongsToExtension(entry, step.skipExtensions))
        .filter((entry) => step.publications || !isOfPublication(entry))
        .map((entry) => withRoles(entry, step.roles));
    const dump = { before: adapt(before), after: adapt(after) };
    const print = printOfDump(dump);
    const { earlier } = state;
    if (earlier && earlier.schema.print !== print)
      throw lost(`the source's schema has changed since run ${state.run} began: what is loaded was made for another`);
    const skipped = new Set(step.skip.map(quoteTable));
    const tables = found.filter(({ table }) => !skipped.has(quoteTable(table)));
    requireAsPlanned(step, tables, largeObjects);
    state.tables = new Map(tables.map((table) => [quoteTable(table.table), table]));
    const order = arrange(dump, [...state.tables.values()], unfilled);
    state.order = order;
    return lanesOf(state).withWriter(async (session) => {
      const refused = earlier ? earlier.schema.refused : await restore(session, order.before);
      if (earlier) {
        const foreign = await findForeign(session, [...order.byTable.values()].flat());
        if (foreign.length > 0)
          throw lost(
            `somebody has made in ${state.names.incoming}, which holds what run ${state.run} has loaded, what the source has not: ${someOf(foreign)}`,
          );
        state.held = await readHeldTables(session);
      }
      state.analyzedLater = await analyzedWithParents(session);
      return { facts: { objects: order.before.length - refused.length, refused, print } };
    });
  },
};

/** A step for each table, and for large objects, was planned: what came since would be left out, and be told at the end. */
function requireAsPlanned(
  step: Extract<Step, { kind: 'copy-schema' }>,
  tables: readonly Table[],
  largeObjects: number,
): void {
  const hint = 'The source changed between plan and run: plan again.';
  if (tables.length !== step.tables || (largeObjects === 0) !== (step.largeObjects === 0))
    throw new RestageError(
      'data-differs',
      `the source has ${tables.length} tables and ${largeObjects} large objects now, and had ${step.tables} and ${step.largeObjects} when the plan was made`,
      { hint },
    );
  // A column that came since has been seen by nobody: it may hold what must not leave production.
  if (columnsPrint(tables) !== step.columnsPrint)
    throw new RestageError(
      'data-differs',
      'columns of the source have been added, dropped or changed since the plan was made',
      { hint },
    );
}
