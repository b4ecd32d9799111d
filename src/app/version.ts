import { RestageError } from '../errors.ts';
import { readPath, type App } from './client.ts';

export interface Version {
  readonly version: string | undefined;
  readonly environment: string | undefined;
  readonly gitSha: string | undefined;
}

/** What the application says it is. Throws `app-unreachable` or `app-unexpected`. */
export async function readVersion(app: App, path: string, signal?: AbortSignal): Promise<Version> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  if (status !== 200) throw new RestageError('app-unexpected', `GET ${app.url}${path} answered HTTP ${status}`);
  const field = (key: string) => {
    const value = readPath(body, key);
    return typeof value === 'string' ? value : undefined;
  };
  return { version: field('version'), environment: field('environment'), gitSha: field('git_sha') };
}
