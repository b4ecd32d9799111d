import { allOf } from '../all-of.ts';
import type { Config } from '../config.ts';
import type { Ends } from '../connect.ts';
import { RestageError } from '../errors.ts';
import { plan, type Plan, type PlannedFunction, type PlanOptions } from '../plan.ts';
import { newRunId } from '../run-id.ts';
import { requireUnattended } from '../unattended.ts';
import { askFunction, reportIn } from './ask-function.ts';
import type { InvocationInput } from './invocation.ts';
import { joinPlans } from './join.ts';
import type { RemoteFunction } from './remote-function.ts';

/** A refresh whose database goes by a function, and whose objects go from here. */
export interface LambdaPlan {
  /** The run that it is going to be: the function keeps its part of the plan under this id. */
  readonly run: string;
  /** The whole, which a person agrees to. */
  readonly plan: Plan;
  /** The function's part, and the part that is made from here; absent where nothing of it was asked for. */
  readonly database?: Plan;
  readonly objects?: Plan;
}

/** Which parts of a config a refresh with the function has, as they were asked for. */
export function partsOf(
  config: Pick<Config, 'source' | 'target'>,
  only: PlanOptions['only'],
): { readonly database: boolean; readonly objects: boolean } {
  const { source, target } = config;
  return {
    database: only !== 'objects' && (source.database !== undefined || target.database !== undefined),
    objects: only !== 'database' && Object.keys(target.buckets).length > 0,
  };
}

/**
 * Throws `config-invalid` for what a function and this machine cannot do together, before anything is asked of anybody; and
 * `not-confirmed` where the config does not say what the target is: nobody types its name to a function.
 */
export function requireOnLambda(config: Config, only: PlanOptions['only']): void {
  const parts = partsOf(config, only);
  const named = Object.entries(config.objects).find(([, { only: limit }]) => limit !== undefined)?.[0];
  if (parts.objects && named !== undefined)
    throw new RestageError(
      'config-invalid',
      `objects.${named}.only wants the rows of the target's database, which only the function reaches`,
      {
        hint: 'restage sync --only database --on lambda refreshes the database; the objects by themselves go from where the database can be reached: restage sync --only objects',
      },
    );
  if (parts.database) requireUnattended(config, { only: 'database', by: 'function' });
}

/**
 * Plans the database by the function and the objects here, side by side, as one plan. Writes nothing, but the function keeps its part.
 * Throws what `plan` throws, and what the function answers: `config-differs` where its configuration is another one.
 */
export async function planOnLambda(
  config: Config,
  ends: Ends | undefined,
  remote: RemoteFunction,
  options: PlanOptions = {},
): Promise<LambdaPlan> {
  const { only, signal } = options;
  const parts = partsOf(config, only);
  const run = newRunId();
  const [database, objects] = await allOf([
    parts.database ? askPlan(remote, { action: 'plan', only: 'database', runId: run }, signal) : undefined,
    parts.objects && ends
      ? plan(config, parts.database ? withoutApps(ends) : ends, { ...options, only: 'objects' })
      : undefined,
  ]);
  const told = { run, ...(database ? { database } : {}), ...(objects ? { objects } : {}) };
  const notes = notesOf(remote, database !== undefined);
  const on = functionOf(remote);
  if (database && objects) {
    const joined = joinPlans(database, objects, { on, references: config.verify.references });
    return { ...told, plan: { ...joined, notes: [...notes, ...joined.notes] } };
  }
  const one = database ?? objects;
  if (!one)
    throw new RestageError('config-invalid', 'the config names neither a database nor buckets', {
      hint: 'Add database and buckets to source and target.',
    });
  return { ...told, plan: { ...one, ...(database ? { onLambda: on } : {}), notes: [...notes, ...one.notes] } };
}

function functionOf({ name, facts: { timeoutSeconds, memoryBytes } }: RemoteFunction): PlannedFunction {
  return {
    name,
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
}

/** What is made where stands in the plan by itself. */
function notesOf(remote: RemoteFunction, database: boolean): readonly string[] {
  if (!database) return ['objects go from here, with --on lambda too: the function has no part in this run'];
  return remote.runs
    ? []
    : [
        'target.lambda.runs is not set: the function is waited for without any progress, and what does not fit its time-out fails',
      ];
}

/** The applications are asked by the function, which stands beside them. */
function withoutApps({ source, target, doubts }: Ends): Ends {
  return {
    source: { ...source, app: undefined },
    target: { ...target, app: undefined },
    doubts,
    [Symbol.dispose]: () => {},
  };
}

async function askPlan(remote: RemoteFunction, event: InvocationInput, signal: AbortSignal | undefined): Promise<Plan> {
  return (await reportIn(remote, await askFunction(remote, event, signal))) as Plan; // the function's own
}
