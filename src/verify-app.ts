import type { Answered } from './app/patience.ts';
import type { HealthCheck } from './app/health.ts';
import type { ExpectedValue } from './app/expected-value.ts';
import type { ComparedVersions, VersionPolicy } from './app/version.ts';
import { askHealth, askTotal, askValue, askVersions } from './ask-apps.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';

/** What the applications of both ends say now. */
export interface VerifiedApps {
  readonly health?: VerifiedHealth;
  /** Absent where neither application tells its version. */
  readonly versions?: VerifiedVersions;
  readonly totals: readonly VerifiedTotal[];
  readonly expectations: readonly VerifiedValue[];
}

export interface VerifiedHealth {
  readonly path: string;
  readonly healthy: boolean;
  readonly answer?: unknown;
  readonly checks: readonly HealthCheck[];
  readonly failure?: Failure;
}

export interface VerifiedVersions extends ComparedVersions {
  readonly policy: VersionPolicy;
  readonly failure?: Failure;
}

export interface VerifiedTotal {
  readonly path: string;
  readonly read: string;
  /** The target's: then `source` is its number of rows. */
  readonly table?: string;
  /** Both absent where an application told none. */
  readonly source?: unknown;
  readonly target?: unknown;
  readonly failure?: Failure;
}

export interface VerifiedValue extends ExpectedValue {
  readonly value?: unknown;
  readonly failure?: Failure;
}

/** Asks each once: what `verify` tells is how it is now. An application that gives no answer is a difference too. */
export async function verifyApps(
  { verify: { health, versions, totals, expect } }: Config,
  ends: Ends,
  signal: AbortSignal | undefined,
): Promise<VerifiedApps> {
  const once = { withinSeconds: 0, signal, label: 'verify' };
  const { source, target } = ends;
  const told: { health?: VerifiedHealth; versions?: VerifiedVersions } = {};
  if (health) {
    const { found, failure } = await asked(() => askHealth(ends, { ...health, withinSeconds: 0 }, signal));
    told.health = { path: health.path, healthy: !failure, checks: [], ...found, ...failed(failure) };
  }
  if (source.app?.version || target.app?.version) {
    const { found, failure } = await asked(() => askVersions(ends, versions, once));
    told.versions = { policy: versions, relation: 'unknown', ...found, ...failed(failure) };
  }
  const compared: VerifiedTotal[] = [];
  for (const { path, read, table } of totals) {
    const place = { path, read, ...(table === undefined ? {} : { table }) };
    const { found, failure } = await asked(() => askTotal(ends, place, once));
    compared.push({ ...place, ...found, ...failed(failure) });
  }
  const expectations: VerifiedValue[] = [];
  for (const expected of expect) {
    const { found, failure } = await asked(() => askValue(ends, expected, once));
    expectations.push({ ...expected, ...(found === undefined ? {} : { value: found }), ...failed(failure) });
  }
  return { ...told, totals: compared, expectations };
}

/** Of what is compared, why it is not right; or why nothing could be. */
async function asked<T>(
  ask: () => Promise<Answered<T>>,
): Promise<{ readonly found?: T; readonly failure?: Failure | undefined }> {
  try {
    const { found, wrong } = await ask();
    return { found, failure: wrong && failureOf(wrong) };
  } catch (error) {
    const isOfApp = error instanceof RestageError && ['app-unreachable', 'app-unexpected'].includes(error.code);
    if (!isOfApp) throw error;
    return { failure: failureOf(error) };
  }
}

function failed(failure: Failure | undefined): { readonly failure?: Failure } {
  return failure ? { failure } : {};
}

/** Each difference in a sentence. */
export function differencesOfApps({ health, versions, totals, expectations }: VerifiedApps): readonly string[] {
  return [health, versions, ...totals, ...expectations].flatMap((one) => one?.failure?.message ?? []);
}

/** Nothing of the applications, for a part of a verification that they are none of. */
export const noApps: VerifiedApps = { totals: [], expectations: [] };
