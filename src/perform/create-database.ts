import { failureOf, RestageError } from '../errors.ts';
import { changesOfBuilt, readBuiltPrint } from '../postgres/built-print.ts';
import { findLeftovers } from '../postgres/database-names.ts';
import { describeDatabase, readDescription, type Paused } from '../postgres/description.ts';
import { endSessions } from '../postgres/end-sessions.ts';
import { carryAnew, createIncoming } from '../postgres/incoming.ts';
import { quoteText } from '../postgres/names.ts';
import type { Session } from '../postgres/session.ts';
import { dropDatabase, nameOf, requireNoSessions } from '../postgres/swap.ts';
import type { Perform } from './context.ts';
import { openIncoming, openWriters, requireDatabase, type DatabaseRun, type EarlierParts } from './database-run.ts';
import { maintenanceOf } from './maintenance.ts';

/** The new database: made, or that of this run's earlier parts. */
export const createDatabaseSteps: Perform<'create-database'> = {
  'create-database': async (_step, { database, signal }) => {
    const state = requireDatabase(database);
    const maintenance = await maintenanceOf(state);
    const { current, incoming } = state.names;
    const presentOid = await oidOf(maintenance, current);
    if (state.earlier) await adopt(state, maintenance, state.earlier, presentOid);
    // The lock is ours, so whatever another run was building, it is not building any more.
    const leftovers = await findLeftovers(maintenance, current);
    const reclaimed: string[] = [];
    for (const left of leftovers.incoming.filter((one) => !state.earlier || one !== incoming))
      try {
        await dropDatabase(maintenance, left);
        reclaimed.push(left);
      } catch (error) {
        // In nobody's way but the disk's.
        state.remarks.push(`what a dead run had left could not be dropped: ${failureOf(error).message}`);
      }
    if (!state.earlier) {
      state.stage = 'building';
      state.incomingOid = await createIncoming(maintenance, state.names);
    }
    openWriters(state, signal);
    if (state.earlier) await requireAsBuilt(state, maintenance);
    return {
      facts: {
        origin: { ...maintenance.origin, database: incoming },
        database: incoming,
        reclaimed,
        ...(state.incomingOid === undefined ? {} : { oid: state.incomingOid }),
        ...(presentOid === undefined ? {} : { presentOid }),
      },
    };
  },
};

/**
 * Takes the database that the earlier parts of this run have loaded, as nobody else has it. Throws `pause-lost` where it is not there,
 * or cannot be gone on with.
 */
async function adopt(
  state: DatabaseRun,
  maintenance: Session,
  earlier: EarlierParts,
  presentOid: string | undefined,
): Promise<void> {
  const { names, run } = state;
  const { current, incoming } = names;
  if (state.incomingOid === undefined) {
    const name = await nameOf(maintenance, earlier.oid);
    if (name === current)
      throw lost(
        `what run ${run} has built is in place as ${current} already: a part of it was stopped after the swap`,
        {
          hint: `Nothing after the swap was verified: restage verify looks at it, restage rollback puts the one before it back.`,
        },
      );
    throw lost(
      name === undefined
        ? `${incoming}, which holds what run ${run} has loaded, is not there any more: another run has dropped it, or a person`
        : `${incoming}, which holds what run ${run} has loaded, is called ${name} now`,
    );
  }
  if (presentOid !== earlier.presentOid)
    throw lost(`${current} is another database than when run ${run} began: it was replaced, or put back`);
  // A part that was killed may have left sessions at work there, which only their server knows of.
  await requireNoSessions(maintenance, incoming);
  if ((await readDescription(maintenance, incoming))?.completing)
    throw lost(
      `the last part of run ${run} was killed after all rows had come, and what it has left in ${incoming} is neither loaded nor finished`,
    );
  await carryAnew(maintenance, names);
}

/** Nobody has the lock while a run pauses: what the rows go into must be what it was. Throws `pause-lost`. */
async function requireAsBuilt({ names, run, writers }: DatabaseRun, maintenance: Session) {
  const paused = (await readDescription(maintenance, names.incoming))?.paused;
  if (!paused?.built)
    throw lost(`${names.incoming} does not say what run ${run} had built when it paused: the comment on it is gone`);
  const changes = await writers?.use((session) => changesOfBuilt(session, paused.built));
  if (changes && changes.length > 0)
    throw lost(
      `somebody has changed ${names.incoming}, which holds what run ${run} has loaded, since it paused: ${changes.join(', ')}`,
    );
}

/** What a run that pauses cannot go on from. */
export function lost(message: string, { hint = 'Begin a new run.' }: { readonly hint?: string } = {}): RestageError {
  return new RestageError('pause-lost', message, { hint });
}

async function oidOf(maintenance: Session, database: string): Promise<string | undefined> {
  const [row] = await maintenance.rows<{ oid: string }>(
    `select oid from pg_database where datname = ${quoteText(database)}`,
  );
  return row?.oid;
}

/** Says on the new database that more than rows comes into it from here on: a part that is killed then cannot be gone on from. */
export async function beginCompleting(state: DatabaseRun): Promise<void> {
  const maintenance = await maintenanceOf(state);
  const { run, names, source } = state;
  const { host, port, database } = source.address;
  await describeDatabase(maintenance, names.incoming, {
    run,
    source: { host, port, database },
    takenAt: '',
    swappedAt: '',
    completing: true,
  });
}

/** A function that pauses is ended soon. */
const restMs = 10_000;

/** Lets go of the new database, which stays for the run's next part, and says on it what it is. */
export async function rest(state: DatabaseRun, paused: Omit<Paused, 'built'>): Promise<void> {
  const { run, names, source } = state;
  const { host, port, database } = source.address;
  try {
    const maintenance = await maintenanceOf(state);
    await endSessions(maintenance, names.incoming);
    await using session = await openIncoming(state, AbortSignal.timeout(restMs));
    await describeDatabase(maintenance, names.incoming, {
      run,
      source: { host, port, database },
      takenAt: '',
      swappedAt: '',
      paused: { ...paused, built: await readBuiltPrint(session) },
    });
  } catch (error) {
    state.remarks.push(
      `what has been loaded could not be noted on ${names.incoming}, and cannot be gone on from: ${failureOf(error).message}`,
    );
  }
}
