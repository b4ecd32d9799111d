import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../src/index.ts';
import { type Ended, type Running, synced, type } from './command-line.ts';
import type { Store, StoreEnd } from './store.ts';

export interface Settings {
  /** Pairs by a name of the test's own. */
  readonly buckets: Readonly<Record<string, { readonly source: string; readonly target: string }>>;
  /** As in restage.yaml. */
  readonly objects?: object;
}

/** A folder with restage.yaml, profiles beside it, and a person who types there. Its store removes it. */
export interface Configured {
  readonly folder: string;
  readonly configFile: string;
  /** What a shell would export. */
  readonly variables: Readonly<Record<string, string>>;
  restage(...args: readonly string[]): Promise<Ended>;
  /** The same, not waited for. */
  begin(...args: readonly string[]): Running;
  /** `restage sync --yes --json …` and the report that it printed. */
  sync(...args: readonly string[]): Promise<Ended & { readonly report: Report }>;
}

/** Writes a configuration of nothing but buckets. A store that has no accounts has no STS either. */
export async function configOf(store: Store, { buckets, objects }: Settings): Promise<Configured> {
  const folder = await mkdtemp(join(store.folder, 'shell-'));
  const configFile = join(folder, 'restage.yaml');
  const end = (side: 'source' | 'target') => {
    const { endpoint, region, account } = store[side];
    const endpoints = { s3: endpoint, ...(account === undefined ? {} : { sts: endpoint }) };
    return {
      name: { source: 'production', target: 'staging' }[side],
      aws: { profile: side, region, ...(account === undefined ? {} : { account }), endpoints },
      buckets: Object.fromEntries(Object.entries(buckets).map(([name, pair]) => [name, pair[side]])),
    };
  };
  const config = { version: 1, source: end('source'), target: end('target'), ...(objects ? { objects } : {}) };
  await writeFile(configFile, JSON.stringify(config, null, 2)); // which is YAML too
  const variables = {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
  };
  const profile = (name: string, { accessKeyId, secretAccessKey }: StoreEnd) =>
    `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  await writeFile(
    variables.AWS_SHARED_CREDENTIALS_FILE,
    profile('source', store.source) + profile('target', store.target),
  );
  await writeFile(variables.AWS_CONFIG_FILE, '');
  const begin = (...args: readonly string[]) => type([...args, '--config', configFile], folder, variables);
  const restage = (...args: readonly string[]) => begin(...args).ended;
  return {
    folder,
    configFile,
    variables,
    begin,
    restage,
    sync: (...args) => synced(restage('sync', '--yes', '--json', ...args)),
  };
}
