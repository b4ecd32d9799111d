import type { Document } from 'yaml';
import { syncFunction } from '../demo/sync-function.ts';
import type { Report } from '../src/index.ts';
import { type Ended, type Scene, startScene } from './scene.ts';
import { type SmallApp, startSmallApp } from './small-app.ts';
import { openSession, type Session, until } from './sql.ts';

/** A moment of a run, held up for as long as a test wants. */
export type Phase = 'planning' | 'copying' | 'swapping' | 'migrating' | 'verifying' | 'putting back';

/** Reached, and held; disposing of it lets the run go on. */
interface Hold extends AsyncDisposable {
  readonly reached: Promise<unknown>;
}

/** The reference user's environment with its function deployed, and an application between whose answers a test can come. */
export interface HeldScene extends Scene {
  readonly configFile: string;
  hold(phase: Phase): Promise<Hold>;
  /** What production has now differs from what staging has. */
  change(): Promise<void>;
  /** `restage sync --yes --json --only database --on lambda`. */
  typed(...args: readonly string[]): Promise<Ended & { readonly report: Report }>;
  kill(): Promise<void>;
}

const restages = `application_name like 'restage %' and state = 'active'`;
const isHeld = `select from pg_stat_activity where ${restages} and wait_event_type = 'Lock'`;

export async function startHeldScene(
  configure: (config: Document) => void,
  settings: { readonly timeoutSeconds?: number } = {},
): Promise<HeldScene> {
  const scene = await startScene();
  const { aws, target, source } = scene.environment;
  // A person's application, and what a test has to say to it first.
  const real = target.app.url;
  const app = await startSmallApp();
  const forward: SmallApp['answer'] = async ({ method, path, headers, body }) => {
    const key = headers['x-api-key'];
    const response = await fetch(`${real}${path.replace(/^\/api/, '')}`, {
      method,
      headers: typeof key === 'string' ? { 'x-api-key': key } : {},
      ...(method === 'GET' || body === '' ? {} : { body }),
    });
    return { status: response.status, headers: { 'Content-Type': 'application/json' }, body: await response.text() };
  };
  app.answer = forward;
  await scene.onSource(`
    create table marker (run integer);
    insert into marker values (0);
    ${letGo};
    create table slow (id integer, held boolean check (case when ${onStaging} then public.is_let_go() else true end));
    insert into slow values (1, true)`);
  const configFile = await scene.configure((config) => {
    config.setIn(['target', 'app', 'url'], app.url);
    config.setIn(['verify', 'withinSeconds'], 1);
    config.setIn(['verify', 'health', 'withinSeconds'], 1);
    configure(config);
  });
  await scene.environment.deployFunction({ configFile, ...settings });

  const locked = async (session: Session, sql: string, watcher: Session): Promise<Hold> => {
    await session.query(`begin; ${sql}`);
    return {
      reached: until(watcher, isHeld),
      [Symbol.asyncDispose]: async () => {
        await session[Symbol.asyncDispose]();
        await watcher[Symbol.asyncDispose]();
      },
    };
  };
  const onTarget = () => openSession(target.postgres.adminUrl());
  const isRenamed = `comment on database ${target.database} is null`;
  const asked = (part: string): Hold => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const letGone = Promise.withResolvers<void>();
    app.answer = async (one, times) => {
      if (one.path.includes(part)) {
        resolve();
        await letGone.promise;
      }
      return forward(one, times);
    };
    return {
      reached: promise,
      [Symbol.asyncDispose]: async () => {
        app.answer = forward;
        letGone.resolve();
      },
    };
  };
  const holds: Readonly<Record<Phase, () => Promise<Hold>>> = {
    planning: async () =>
      locked(
        await openSession(source.postgres.adminUrl(source.database)),
        'lock table alembic_version in access exclusive mode',
        await openSession(source.postgres.adminUrl()),
      ),
    copying: async () => {
      const session = await onTarget();
      await session.query('create role held_up');
      return {
        reached: until(session, `select from pg_stat_activity where ${restages} and wait_event = 'PgSleep'`),
        [Symbol.asyncDispose]: async () => {
          await session.query('drop role held_up');
          await session[Symbol.asyncDispose]();
        },
      };
    },
    swapping: async () => locked(await onTarget(), isRenamed, await onTarget()),
    migrating: async () => asked('/health/migrate'),
    verifying: async () => asked('/books?limit=5'),
    'putting back': async () => {
      const hold = asked('/health/deep');
      let inner: Hold | undefined;
      const reach = async () => {
        await hold.reached;
        inner = await locked(await onTarget(), isRenamed, await onTarget());
        await hold[Symbol.asyncDispose]();
        app.answer = () => ({ status: 500, body: { status: 'unhealthy' } });
        await inner.reached;
      };
      return {
        reached: reach(),
        [Symbol.asyncDispose]: async () => {
          await inner?.[Symbol.asyncDispose]();
          await hold[Symbol.asyncDispose]();
        },
      };
    },
  };
  let runs = 0;
  return {
    ...scene,
    configFile,
    hold: async (phase) => {
      const { reached, ...held } = await holds[phase]();
      reached.catch(() => undefined); // a test that fails first does not wait for it
      let released: PromiseLike<void> | undefined;
      return { reached, [Symbol.asyncDispose]: () => (released ??= held[Symbol.asyncDispose]()) };
    },
    change: async () => void (await scene.onSource(`update marker set run = ${(runs += 1)}`)),
    typed: (...args) => scene.sync('--only', 'database', '--on', 'lambda', '--config', configFile, ...args),
    kill: () => aws.killFunction(syncFunction.name),
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await scene[Symbol.asyncDispose]();
    },
  };
}

const onStaging = `current_setting('server_version_num')::integer >= 170000`;

/** On staging's server it waits for as long as there is a role of this name there. */
const letGo = `
  create function is_let_go() returns boolean language plpgsql volatile as $$
  begin
    while exists (select from pg_catalog.pg_roles where rolname = 'held_up') loop
      perform pg_catalog.pg_sleep(0.05);
    end loop;
    return true;
  end $$`;
