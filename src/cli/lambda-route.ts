import {
  connect,
  openFunction,
  planOnLambda,
  requireOnLambda,
  requireUnattended,
  RestageError,
  runOnLambda,
  verifyOnLambda,
  type Config,
  type ConnectOptions,
  type Ends,
  type LambdaPlan,
  type RemoteFunction,
  type Verification,
} from '../index.ts';
import type { Only, Session } from './frame.ts';
import { findLastRuns } from './last-runs.ts';
import type { Route } from './route.ts';
import type { Settings } from './settings.ts';

export interface LambdaRouteOptions {
  readonly only: Only;
  /** By how many percent the function's counts may be off those that were agreed to. */
  readonly tolerancePercent?: number | undefined;
}

/** The function of the configuration, as a command finds it. */
export async function openRemote(
  { config, connect: { profileFiles }, print }: Settings,
  signal: AbortSignal,
): Promise<RemoteFunction> {
  // Which is said before anything is read that it needs.
  const configPrint = config.target.lambda ? await print() : '';
  return openFunction(config, { configPrint, profileFiles, signal });
}

/** The buckets and the accounts of both ends; never the databases. */
export function connectBuckets(config: Config, connection: ConnectOptions, signal: AbortSignal): Promise<Ends> {
  return connect(config, { ...connection, only: 'objects', signal });
}

/** Compares by the function what it stands beside, and the buckets, where there are ends, from here. */
export async function compareOnLambda(
  settings: Settings,
  ends: Ends | undefined,
  signal: AbortSignal,
  options: { readonly only?: Only; readonly sample?: boolean | undefined } = {},
): Promise<Verification> {
  using remote = await openRemote(settings, signal);
  return await verifyOnLambda(settings.config, ends, remote, { ...options, signal });
}

/** The database by the function, the objects from here. Throws what the function cannot do, before anything is asked of it. */
export async function lambdaRoute(
  settings: Settings,
  session: Pick<Session, 'terminal' | 'signal' | 'interrupt' | 'onStart'>,
  { only, tolerancePercent }: LambdaRouteOptions,
): Promise<Route> {
  const { config } = settings;
  const { terminal, signal, interrupt, onStart } = session;
  requireOnLambda(config, only);
  const remote = await openRemote(settings, signal);
  const ends = only === 'database' ? undefined : await connectBuckets(config, settings.connect, signal);
  let made: LambdaPlan | undefined;
  const usual = interrupt.words;
  return {
    isHere: false,
    // Where the function stands the same is asked with what it finds there.
    requireUnattended: (part) => requireUnattended(config, { only: part }),
    lastRuns: async () => (ends ? findLastRuns(config, ends) : []),
    prepare: async () => {},
    plan: async (options) => {
      if (only !== 'objects') terminal.wait(`the function ${remote.name} makes its plan`);
      try {
        made = await planOnLambda(config, ends, remote, options);
      } finally {
        terminal.wait(undefined);
      }
      return made.plan;
    },
    run: async (plan, { listen, signal: ended }) => {
      if (!made) throw new RestageError('internal', 'a run without its plan');
      const { run } = made;
      let there = false;
      const say = () => {
        interrupt.words = there ? followedWords(remote, run) : usual;
        onStart(there ? leftToItself(remote, run, ends !== undefined) : undefined);
      };
      return runOnLambda({ ...made, plan }, ends, remote, {
        listen: (event) => {
          listen?.(event);
          if (event.kind === 'run-started') say();
        },
        tell: (line) => terminal.warn(`${terminal.style('warn', '!')} ${line}`),
        onPart: (part) => {
          there = part === 'function';
          terminal.wait(there ? `in the function ${remote.name}` : undefined);
          say();
        },
        tolerancePercent,
        signal: ended,
      });
    },
    [Symbol.asyncDispose]: async () => {
      ends?.[Symbol.dispose]();
      remote[Symbol.dispose]();
    },
  };
}

function followedWords({ name }: RemoteFunction, run: string): Session['interrupt']['words'] {
  return {
    first: `interrupted: the run ${run} is not followed any more …`,
    second: `it goes on in the function ${name}; once more ends at once`,
    third: `it goes on in the function ${name}: restage status --on lambda tells how far it is`,
  };
}

/** What is said of an interrupt while the function works. */
function leftToItself({ name, runs }: RemoteFunction, run: string, withObjects: boolean): string {
  const look = runs
    ? 'restage status --on lambda tells how far it is, and fetches its report'
    : 'restage status --on lambda tells what staging holds then';
  const objects = withObjects
    ? '\n  What came of the objects since is brought by restage sync --only objects, when it has ended'
    : '';
  return `interrupted: the run ${run} goes on in the function ${name}\n  ${look}${objects}`;
}
