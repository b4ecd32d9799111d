import { RestageError } from '../errors.ts';
import { carryValues } from '../postgres/carry.ts';
import { displayTable } from '../postgres/names.ts';
import type { Perform } from './context.ts';
import { findTable, lanesOf, requireDatabase } from './database-run.ts';

/** Staging's values for rows that it has too. */
export const carrySteps: Perform<'carry-values'> = {
  'carry-values': async ({ table: name, rule, casts }, { database, signal }) => {
    const state = requireDatabase(database);
    const table = findTable(state, name);
    const { carry } = rule;
    if (!carry) throw new RestageError('internal', `nothing is to be carried into ${displayTable(name)}`);
    await using own = await state.target.session({ label: state.run, access: 'read-only', signal });
    await own.execute('begin transaction isolation level repeatable read, read only');
    const carried = await lanesOf(state).withWriter((writer) =>
      carryValues(own, writer, { table, rule: { ...rule, carry }, casts, signal }),
    );
    return { facts: { table: name, ...carried } };
  },
};
