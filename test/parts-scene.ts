import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'yaml';
import type { FunctionInvocation } from '../demo/local-aws/local-aws.ts';
import { staging } from '../demo/sample.ts';
import { syncFunction } from '../demo/sync-function.ts';
import {
  invokeFunction,
  openAccount,
  type Account,
  type InvocationInput,
  type InvocationResponse,
  type RunState,
  type RunStore,
} from '../src/index.ts';
import { type LambdaScene, startLambdaScene } from './lambda-scene.ts';

/** The bundle behind the local AWS's Lambda, and tables of production that are held as long as a test wants. */
export interface PartsScene extends LambdaScene {
  readonly store: RunStore;
  readonly account: Account;
  /** The configuration in which these tables of production are read only by runs that begin when they are open. */
  gated(tables: readonly string[], change?: (config: Document) => void): Promise<string>;
  /** Holds or lets go tables from the next snapshot on: a part sees them as they were at its beginning. */
  close(...tables: readonly string[]): Promise<void>;
  open(...tables: readonly string[]): Promise<void>;
  /** Waits for the function's answer. */
  wait(event: InvocationInput): Promise<InvocationResponse>;
  /** Hands the event over. The id of the request. */
  send(event: InvocationInput): Promise<string>;
  /** Waits until a run's state is so. */
  until(run: string, isSo: (state: RunState) => boolean): Promise<RunState>;
  /** Waits until a part of the run is held at so many tables, one if not given: what its snapshot shows is settled. */
  reading(run: string, part: number, tables?: number): Promise<void>;
  /** Waits until nothing of the function runs or waits. */
  idle(): Promise<readonly FunctionInvocation[]>;
  /** The numbers and names of staging's databases: a run makes another one. */
  databases(): Promise<string>;
}

const patienceMs = 150_000;

export async function startPartsScene(): Promise<PartsScene> {
  const scene = await startLambdaScene();
  const { aws, variables } = scene.environment;
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config } = variables;
  const store = await scene.openRuns();
  const account = await openAccount({ profile: staging.profile, endpoints: aws.endpoints }, { credentials, config });
  await scene.onSource('create table gates (name text primary key, is_closed boolean not null)');
  const until = async (run: string, isSo: (state: RunState) => boolean) => {
    for (const end = performance.now() + patienceMs; ; await sleep(50)) {
      const state = await store.states.read(run);
      if (state && isSo(state)) return state;
      if (performance.now() > end) throw new Error(`the run ${run} never came so far: ${JSON.stringify(state)}`);
    }
  };
  const readers = new Set<string>();
  const set = async (tables: readonly string[], isClosed: boolean) => {
    for (const name of tables)
      await scene.onSource(`
        insert into gates values ('${name}', ${isClosed})
        on conflict (name) do update set is_closed = excluded.is_closed`);
  };
  return {
    ...scene,
    store,
    account,
    gated: (tables, change = () => {}) =>
      scene.configure((document) => {
        for (const table of tables)
          document.setIn(
            ['database', 'tables', table, 'where'],
            `case when current_setting('application_name') like 'restage 2%'
                       and (select is_closed from gates where name = '${table}')
                  then pg_sleep(600) is not null else true end`,
          );
        change(document);
      }),
    close: (...tables) => set(tables, true),
    open: (...tables) => set(tables, false),
    wait: async (event) => {
      const { answer } = await invokeFunction(account, syncFunction.name, event, {
        kind: 'wait',
        timeoutMs: patienceMs,
      });
      return answer as InvocationResponse; // the function's own
    },
    send: async (event) => (await invokeFunction(account, syncFunction.name, event, { kind: 'event' })).requestId,
    until,
    reading: async (run, part, tables = 1) => {
      await until(run, (state) => state.part === part && state.phase === 'running');
      const held = `select pid from pg_stat_activity where application_name = 'restage ${run}' and wait_event = 'PgSleep'`;
      for (const end = performance.now() + patienceMs; ; await sleep(50)) {
        // The server takes a while to notice that nobody waits for a session of the part before.
        const found = (await scene.onSource(held)).flatMap(({ pid }) => (pid && !readers.has(pid) ? [pid] : []));
        if (found.length >= tables) {
          for (const pid of found) readers.add(pid);
          return;
        }
        if (performance.now() > end) throw new Error(`part ${part} of the run ${run} is not held`);
      }
    },
    idle: async () => {
      for (const end = performance.now() + patienceMs; ; await sleep(50)) {
        const found = await aws.invocations(syncFunction.name);
        const waiting = await aws.waitingEvents(syncFunction.name);
        if (waiting === 0 && found.every(({ outcome }) => outcome !== 'running')) return found;
        if (performance.now() > end) throw new Error('the function never comes to rest');
      }
    },
    databases: async () => JSON.stringify(await scene.onTarget('select oid, datname from pg_database order by oid')),
    [Symbol.asyncDispose]: async () => {
      store[Symbol.dispose]();
      await scene[Symbol.asyncDispose]();
    },
  };
}
