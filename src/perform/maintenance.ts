import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../postgres/session.ts';
import { lockTarget, type Lock, type TargetDatabase } from '../postgres/target.ts';

/** What has the target's lock, or tries to have it again. */
export interface Locked {
  readonly target: TargetDatabase;
  readonly run: string;
  lock: Lock;
}

/** A server whose network is gone does not answer for minutes; a new session tells soon. */
const answerMs = 15_000;

/** Throws where the session that holds the lock is lost; it is ended where it says nothing. */
async function answers(lock: Lock): Promise<void> {
  const late = setTimeout(() => void lock[Symbol.asyncDispose](), answerMs);
  try {
    await lock.maintenance.rows('select 1');
  } finally {
    clearTimeout(late);
  }
}

/** How long a lost lock is tried to be taken anew. */
export const relockMs = { onTheWay: 3_000, toPutBack: 60_000 } as const;

/**
 * The session outside of the database, which holds the lock. It waits idle for most of a run: where the connection was
 * lost meanwhile, the lock is taken anew; to put staging back, through an outage of a minute.
 * Throws `run-in-progress` where somebody else has it now.
 */
export async function maintenanceOf(state: Locked, why: keyof typeof relockMs = 'onTheWay'): Promise<Session> {
  const until = performance.now() + relockMs[why];
  let refusal: unknown;
  for (let attempt = 1; ; attempt++) {
    try {
      await answers(state.lock);
      return state.lock.maintenance;
    } catch (error) {
      if (performance.now() > until) throw refusal ?? error;
    }
    await state.lock[Symbol.asyncDispose]();
    await sleep(Math.min(200 * attempt, 2000)); // the server may not have noticed yet that the old session is gone
    try {
      state.lock = await lockTarget(state.target, state.run);
    } catch (error) {
      refusal = error;
    }
  }
}
