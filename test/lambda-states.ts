import { createHash } from 'node:crypto';
import type { RunState } from '../src/index.ts';
import type { LambdaScene } from './lambda-scene.ts';
import { openSession, type Session } from './sql.ts';

// What tells of a run that another invocation makes.

/** The ids of the databases that staging's server has: a run makes another one. */
export async function databases(scene: LambdaScene): Promise<string> {
  return JSON.stringify(await scene.onTarget('select oid, datname from pg_database order by oid'));
}

/** A session as that of a run, which has the target's lock. */
export async function holdLock(scene: LambdaScene, run: string): Promise<Session> {
  const { target } = scene.environment;
  const key = createHash('sha256').update(`restage ${target.database}`).digest().readBigInt64BE(0);
  const holder = await openSession(target.postgres.adminUrl('postgres'), `restage ${run}`);
  await holder.query(`select pg_advisory_lock(${key})`);
  return holder;
}

/** A run that another invocation makes, as its state tells it. */
export function stateOf(run: string, more: Partial<RunState> = {}): RunState {
  const now = new Date().toISOString();
  return {
    run,
    phase: 'running',
    part: 1,
    function: {
      name: 'another',
      requestId: 'r',
      memoryBytes: 1,
      logGroup: '/aws/lambda/another',
      logStream: 'a-stream',
    },
    startedAt: now,
    updatedAt: now,
    deadline: new Date(Date.now() + 60_000).toISOString(),
    pieces: 0,
    ...more,
  };
}
