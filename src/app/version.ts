import { RestageError } from '../errors.ts';
import type { App } from './client.ts';
import { valueAt } from './json-path.ts';
import { orderOfVersions } from './version-order.ts';

export interface Version {
  readonly version?: string | undefined;
  readonly environment?: string | undefined;
  readonly gitSha?: string | undefined;
}

/** Where an application tells its version, and by which fields. */
export interface VersionPlace {
  readonly path: string;
  readonly version: string;
  readonly environment: string;
  readonly sha: string;
}

/** Where most applications tell it. */
export const usualPlace: VersionPlace = {
  path: '/health/version',
  version: 'version',
  environment: 'environment',
  sha: 'git_sha',
};

/** What the application says it is. Throws `app-unreachable` or `app-unexpected`. */
export async function readVersion(app: App, place: VersionPlace, signal?: AbortSignal): Promise<Version> {
  const { status, body } = await app.send({ method: 'GET', path: place.path, signal });
  if (status !== 200) throw new RestageError('app-unexpected', `GET ${app.url}${place.path} answered HTTP ${status}`);
  const field = (key: string) => {
    const value = valueAt(body, key);
    // A number is a build's; a report keeps all of them.
    return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : undefined;
  };
  return { version: field(place.version), environment: field(place.environment), gitSha: field(place.sha) };
}

/** How the applications of both ends stand to each other. */
export interface ComparedVersions {
  /** Absent where the end has no application, or it tells none. */
  readonly source?: Version;
  readonly target?: Version;
  /** The target's to the source's; other: they cannot be ordered. */
  readonly relation: 'same' | 'ahead' | 'behind' | 'other' | 'unknown';
}

/**
 * The target's version to the source's. The commit decides what is the same; numbers, part by part, what is lower. One version of
 * two commits is `other`. What says `unknown` tells nothing.
 */
export function compareVersions(source: Version | undefined, target: Version | undefined): ComparedVersions {
  return { ...(source ? { source } : {}), ...(target ? { target } : {}), relation: relationOf(source, target) };
}

function relationOf(source: Version = {}, target: Version = {}): ComparedVersions['relation'] {
  const [from, to] = [known(source.version), known(target.version)];
  const [fromSha, toSha] = [known(source.gitSha), known(target.gitSha)];
  const shasDiffer = fromSha !== undefined && toSha !== undefined && !isSameCommit(fromSha, toSha);
  if (fromSha !== undefined && toSha !== undefined && !shasDiffer) return 'same';
  if (from === undefined || to === undefined) return shasDiffer ? 'other' : 'unknown';
  const order = from === to ? 0 : orderOfVersions(from, to);
  if (order === 0) return shasDiffer || buildOf(from) !== buildOf(to) ? 'other' : 'same';
  if (order === undefined) return 'other';
  return order < 0 ? 'ahead' : 'behind';
}

/** Of 1.4.0+build.7 what comes after the +, which orders nothing. */
function buildOf(version: string): string | undefined {
  return version.split('+')[1];
}

function known(value: string | undefined): string | undefined {
  return value === undefined || /^(|unknown|none|null|n\/a)$/i.test(value.trim()) ? undefined : value.trim();
}

/** A commit is often told by its beginning. */
function isSameCommit(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other].map((sha) => sha.toLowerCase()).toSorted((a, b) => a.length - b.length);
  return short === long || (short.length >= 7 && /^[0-9a-f]+$/.test(short) && long.startsWith(short));
}

export type VersionPolicy = 'any' | 'same' | 'ahead';

/** Why the versions are not as the policy wants them; undefined where they are. What cannot be told is no proof. */
export function policyBreach(compared: ComparedVersions, policy: VersionPolicy): string | undefined {
  const { source, target, relation } = compared;
  const both = `${versionText(source)} at the source and ${versionText(target)} at the target`;
  if (policy === 'any' || relation === 'same' || (policy === 'ahead' && relation === 'ahead')) return undefined;
  if (relation === 'unknown')
    return `the applications' versions are ${both}: how they stand to each other cannot be told`;
  if (policy === 'same') return `the applications' versions are ${both}: not the same`;
  if (relation === 'behind') return `the applications' versions are ${both}: the target's is lower`;
  // One version of two commits is not lower.
  const order = orderOfVersions(source?.version ?? '', target?.version ?? '');
  if (order === 0 || (source?.version !== undefined && source.version === target?.version)) return undefined;
  return `the applications' versions are ${both}: which one is lower cannot be told`;
}

/** 1.4.0 (6575f61) */
export function versionText(version: Version | undefined): string {
  if (!version) return 'none told';
  return `${version.version ?? 'unknown'}${version.gitSha === undefined ? '' : ` (${version.gitSha})`}`;
}
