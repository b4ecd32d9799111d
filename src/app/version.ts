import { RestageError } from '../errors.ts';
import { type App } from './client.ts';
import { valueAt } from './json-path.ts';

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
    return typeof value === 'string' ? value : undefined;
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
