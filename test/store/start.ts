import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, startLocalAws } from '../../demo/local-aws/local-aws.ts';
import { startCephGateway } from '../ceph-gateway.ts';
import { cephLacks } from './abilities.ts';
import { openEnd } from './end.ts';
import type { Lacks, Store, StoreName } from './store.ts';

/** By name, for tests that are named before a store runs. */
export const lacksOf: Readonly<Record<StoreName, Lacks>> = {
  'the local AWS': {},
  "Ceph's gateway": cephLacks,
};

/** Starts the store of that name, with two owners. Disposing it stops the store and removes its folder. */
export async function startStore(name: StoreName): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-store-'));
  try {
    const { server, aws, ...ends } = await starts[name](folder);
    const lacks = lacksOf[name];
    const source = openEnd(ends.source, lacks);
    const target = openEnd(ends.target, lacks);
    return {
      name,
      folder,
      aws,
      lacks,
      source,
      target,
      [Symbol.asyncDispose]: async () => {
        for (const { client } of [source, target]) client.destroy();
        await server[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const starts = { 'the local AWS': startLocal, "Ceph's gateway": startCeph };

async function startLocal(parent: string) {
  const folder = join(parent, 'bodies');
  await mkdir(folder);
  const region = 'us-west-2';
  const production: Account = {
    id: '111111111111',
    accessKeyId: 'AKIAPRODUCTION',
    secretAccessKey: 'p',
    user: 'reader',
  };
  const staging: Account = { id: '222222222222', accessKeyId: 'AKIASTAGING', secretAccessKey: 's', user: 'writer' };
  const aws = await startLocalAws({ accounts: [production, staging], folder, region });
  const end = ({ id, user, ...keys }: Account) => ({
    ...keys,
    region,
    endpoint: aws.endpoint,
    account: id,
    principal: `arn:aws:iam::${id}:user/${user}`,
  });
  return { server: aws, aws, source: end(production), target: end(staging) };
}

/** The whole folder is the gateway's, which removes it even when the run is killed. */
async function startCeph(folder: string) {
  const server = await startCephGateway(folder);
  const end = ({ name, ...keys }: (typeof server)['production']) => ({
    ...keys,
    region: 'us-east-1',
    endpoint: server.endpoint,
    account: undefined,
    principal: `arn:aws:iam:::user/${name}`,
  });
  return { server, aws: undefined, source: end(server.production), target: end(server.staging) };
}
