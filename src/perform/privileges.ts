import { allOf } from '../all-of.ts';
import { openClosing } from '../closing.ts';
import { withoutEventTriggers } from '../postgres/event-triggers.ts';
import { carryPrivileges } from '../postgres/privileges/carry.ts';
import { restore } from '../postgres/restore.ts';
import type { Perform } from './context.ts';
import { openIncoming, requireDatabase } from './database-run.ts';

/** Owners and grants, as staging has them; and the source's event triggers. */
export const privilegeSteps: Perform<'set-privileges'> = {
  'set-privileges': async ({ owner, grants }, { database, signal }) => {
    const state = requireDatabase(database);
    await using opened = openClosing();
    const [moment, staging, incoming] = await allOf([
      state.source.snapshot({ label: state.run, signal }).then((one) => opened.use(one)),
      state.target.session({ label: state.run, access: 'read-only', signal }).then((one) => opened.use(one)),
      openIncoming(state, signal).then((one) => opened.use(one)),
    ]);
    await staging.execute('begin transaction isolation level repeatable read, read only');
    const ends = { incoming, staging, source: moment.session };
    // Only now, as no further session is opened to the new database that one at login could refuse, or take note of; and
    // not after, as what they execute may be closed to this role then.
    const missing = await restore(incoming, state.order?.eventTriggers ?? []);
    const carried = await withoutEventTriggers(incoming, () => carryPrivileges(ends, { owner, grants }));
    return { facts: { ...carried, refused: [...missing, ...carried.refused] } };
  },
};
