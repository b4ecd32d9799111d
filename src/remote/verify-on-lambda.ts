import { allOf } from '../all-of.ts';
import type { Config } from '../config.ts';
import type { Ends } from '../connect.ts';
import { noApps } from '../verify-app.ts';
import { verify, type Verification, type VerifyOptions } from '../verify.ts';
import { askFunction, reportIn } from './ask-function.ts';
import { partsOf } from './plan-on-lambda.ts';
import type { RemoteFunction } from './remote-function.ts';

/** What is compared: without references alone, which only the function asks for. */
export interface LambdaVerifyOptions extends Omit<VerifyOptions, 'only'> {
  readonly only?: 'database' | 'objects' | undefined;
}

/**
 * Compares the target with the source as both are now: tables, what rows name and what the applications say by the function, objects
 * from here. Throws what `verify` throws, and what the function answers.
 */
export async function verifyOnLambda(
  config: Config,
  ends: Ends | undefined,
  remote: RemoteFunction,
  { only, sample = false, signal }: LambdaVerifyOptions = {},
): Promise<Verification> {
  const clock = performance.now();
  const parts = partsOf(config, only);
  const ask = async (of: 'database' | 'references') => {
    const answer = await askFunction(remote, { action: 'verify', only: of, sample }, signal);
    return (await reportIn(remote, answer)) as Verification; // the function's own
  };
  const [objects, there] = await allOf([
    parts.objects && ends ? verify(config, ends, { only: 'objects', sample, signal }) : undefined,
    // One after the other: of a function that nobody else may run at the same time there is one.
    (async () => ({
      database: parts.database ? await ask('database') : undefined,
      between: parts.database && only === undefined ? await ask('references') : undefined,
    }))(),
  ]);
  const joined = joinVerifications(there.database, objects, there.between);
  return { ...joined, durationMs: Math.round(performance.now() - clock) };
}

/** One verification of what was compared in different places. What only a part leaves out is not left out of the whole. */
function joinVerifications(
  database: Verification | undefined,
  objects: Verification | undefined,
  between: Verification | undefined,
): Verification {
  const parts = [database, objects, between].filter((part) => part !== undefined);
  const [first] = parts;
  const notes = between ? [] : [...new Set(parts.flatMap((part) => part.notes ?? []))];
  const { health, versions, totals, expectations } = between ?? noApps;
  return {
    version: 1,
    madeAt: parts.map(({ madeAt }) => madeAt).toSorted()[0] ?? new Date().toISOString(),
    durationMs: 0,
    source: first?.source ?? '',
    target: first?.target ?? '',
    ...(database?.database ? { database: database.database } : {}),
    objects: objects?.objects ?? [],
    ...(between?.references ? { references: between.references } : {}),
    ...(health ? { health } : {}),
    ...(versions ? { versions } : {}),
    totals,
    expectations,
    ...(notes.length > 0 ? { notes } : {}),
    differences: parts.flatMap(({ differences }) => differences),
  };
}
