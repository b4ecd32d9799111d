import { withoutEventTriggers } from '../postgres/event-triggers.ts';
import { carryPrivileges } from '../postgres/privilege-carry.ts';
import type { Perform } from './context.ts';
import { openIncoming, requireDatabase } from './database-run.ts';

/** Owners and grants: as staging has them. */
export const privilegeSteps: Perform<'set-privileges'> = {
  'set-privileges': async ({ owner, grants }, { database, signal }) => {
    const state = requireDatabase(database);
    await using moment = await state.source.snapshot({ label: state.run, signal });
    await using staging = await state.target.session({ label: state.run, access: 'read-only', signal });
    await staging.execute('begin transaction isolation level repeatable read, read only');
    await using incoming = await openIncoming(state, signal);
    const ends = { incoming, staging, source: moment.session };
    return { facts: await withoutEventTriggers(incoming, () => carryPrivileges(ends, { owner, grants })) };
  },
};
