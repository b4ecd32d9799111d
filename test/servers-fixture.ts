import { beforeAll } from 'vitest';
import type { DatabaseServerSettings } from '../demo/local-aws/local-aws.ts';
import { openAccount, type Account } from '../src/aws/account.ts';
import { folder, local, staging, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles } from './profiles.ts';

/** Staging's account, by a profile. */
export let account: Account;
export const region = 'us-west-2';

/** One local AWS for the file, with database servers and a function in staging's account. */
export function useServers(): void {
  useLocalAws();
  beforeAll(async () => {
    const files = await writeProfiles(folder, { staging: keysOf(staging) });
    account = await openAccount({ profile: 'staging', region, endpoints: local.endpoints }, files);
    const put = (server: Partial<DatabaseServerSettings> & Pick<DatabaseServerSettings, 'identifier' | 'kind'>) =>
      local.putDatabaseServer({ account: staging.id, host: `${server.identifier}.example.com`, port: 5440, ...server });
    await put({ kind: 'cluster', identifier: 'shop', engine: 'aurora-postgresql', iamLogin: true });
    await put({ kind: 'instance', identifier: 'shop', engine: 'postgres' }); // of the same name: RDS allows it
    await put({
      kind: 'instance',
      identifier: 'shop-staging',
      allocatedGibibytes: 20,
      database: 'shopdb',
      engineVersion: '16.4',
    });
    await put({ kind: 'instance', identifier: 'replica', replicaOf: 'shop-staging' });
    await put({ kind: 'instance', identifier: 'asleep', status: 'stopped' });
    await put({ kind: 'instance', identifier: 'sql', engine: 'mysql' });
    await local.putDatabaseServer({ account: staging.id, kind: 'instance', identifier: 'unborn', status: 'creating' });
    await local.putFunction({
      account: staging.id,
      name: 'shop-sync',
      timeoutSeconds: 300,
      memoryMebibytes: 512,
      vpcId: 'vpc-1',
    });
  });
}

/** What it fails of. */
export const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

export async function putSecret(more: object): Promise<string> {
  const value = JSON.stringify({ username: 'app', password: 'a-long-password', ...more });
  await local.putSecret({ name: 'shop/login', account: staging.id, value });
  return 'shop/login';
}
