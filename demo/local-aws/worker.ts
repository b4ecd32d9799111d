import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { World } from './exchange.ts';
import { Faults } from './faults.ts';
import { Credentials } from './identity.ts';
import type { Answer, Command, LocalAwsSettings, RequestCount } from './local-aws.ts';
import { RequestCounts } from './request-counts.ts';
import { makeSecret } from './secrets.ts';
import { seedBucket, seedObjects } from './seed.ts';
import { listen } from './server.ts';

// The thread in which the local AWS lives: started by startLocalAws, told what to do by its messages.
const parent = parentPort;
if (isMainThread || parent === null) throw new Error('this file is a worker of startLocalAws');
const answer = (message: Answer): void => parent.postMessage(message);

// startLocalAws gives it, from a parameter of this type.
const settings: LocalAwsSettings = workerData;
const region = settings.region ?? 'us-east-1';
const world: World = {
  buckets: new Map(),
  secrets: new Map(),
  folder: settings.folder,
  region,
  signedRegion: settings.region,
  credentials: new Credentials(settings.accounts),
};
const faults = new Faults();
const counts = new RequestCounts();

function obey(command: Command): readonly RequestCount[] {
  switch (command.kind) {
    case 'create-bucket':
      seedBucket(world, command.bucket);
      break;
    case 'seed-objects':
      void seedObjects(world, command.bucket, command.objects);
      break;
    case 'put-secret': {
      const secret = makeSecret(region, { sharedWith: [], ...command.secret });
      world.secrets.set(secret.arn, secret);
      break;
    }
    case 'inject':
      faults.inject(command.fault);
      break;
    case 'clear-faults':
      faults.clear();
      break;
    case 'reset-requests':
      counts.reset();
      break;
    case 'requests':
      return counts.list();
  }
  return [];
}

parent.on('message', ({ id, command }: { readonly id: number; readonly command: Command }) => {
  try {
    answer({ kind: 'done', id, requests: obey(command) });
  } catch (error) {
    answer({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
});

const server = await listen(world, { faults, counts });
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('the local AWS has no port');
answer({ kind: 'started', port: address.port });
