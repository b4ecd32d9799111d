import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { World } from './exchange.ts';
import { setClock } from './clock.ts';
import { Faults } from './faults.ts';
import { Credentials } from './identity.ts';
import { Functions } from './lambda-functions.ts';
import type { Answer, Command, Given, Order } from './local-aws.ts';
import { putParameter } from './parameters.ts';
import { RequestCounts } from './request-counts.ts';
import { makeSecret } from './secrets.ts';
import { seedBucket, seedObjects } from './seed.ts';
import { listen } from './server.ts';
import type { LocalAwsSettings, RoleSettings } from './settings.ts';

// The thread or process in which the local AWS lives: started by startLocalAws, told what to do by its messages.
interface Parent {
  readonly settings: LocalAwsSettings;
  readonly answer: (message: Answer) => void;
  readonly listen: (obeyed: (message: Order) => void) => void;
}

async function findParent(): Promise<Parent> {
  // Everything that comes from there is of the types that startLocalAws gives.
  if (parentPort !== null) {
    const port = parentPort;
    const answer = (message: Answer): void => port.postMessage(message);
    return { settings: workerData, answer, listen: (take) => void port.on('message', take) };
  }
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('this file is started by startLocalAws');
  process.on('disconnect', () => process.exit());
  const [settings] = (await once(process, 'message')) as [LocalAwsSettings];
  const take: Parent['listen'] = (obeyed) => void process.on('message', (message) => obeyed(message as Order));
  return { settings, answer: (message) => void send(message), listen: take };
}

const { settings, answer, listen: listenToParent } = await findParent();
const region = settings.region ?? 'us-east-1';
const roles = new Map<string, RoleSettings>();
const credentials = new Credentials(settings.accounts, roles);
const world: World = {
  buckets: new Map(),
  secrets: new Map(),
  roles,
  parameters: new Map(),
  databaseServers: new Map(),
  functions: new Functions({ region, folder: settings.folder, credentials }),
  folder: settings.folder,
  region,
  signedRegion: settings.region,
  credentials,
  deniedKeys: new Map(),
};
const faults = new Faults();
const counts = new RequestCounts();

async function obey(command: Command): Promise<Given> {
  switch (command.kind) {
    case 'create-bucket':
      seedBucket(world, command.bucket);
      break;
    case 'seed-objects':
      void seedObjects(world, command.bucket, command.objects);
      break;
    case 'put-secret': {
      const secret = makeSecret(region, command.secret);
      world.secrets.set(secret.arn, secret);
      break;
    }
    case 'put-parameter':
      putParameter(world.parameters, region, command.parameter);
      break;
    case 'put-role': {
      const { account, name } = command.role;
      world.roles.set(`arn:aws:iam::${account}:role/${name}`, command.role);
      break;
    }
    case 'put-database-server': {
      const { account, kind, identifier } = command.server;
      world.databaseServers.set(`${account} ${kind} ${identifier}`, command.server);
      break;
    }
    case 'put-function':
      world.functions.put(command.function);
      break;
    case 'inject':
      faults.inject(command.fault);
      break;
    case 'clear-faults':
      faults.clear();
      break;
    case 'set-clock':
      setClock(command.offsetMs);
      break;
    case 'replace-keys':
      world.credentials.replaceKeys(command.account, command.keys);
      break;
    case 'deny-kms-key':
      world.deniedKeys.set(command.keyId, command.accounts);
      break;
    case 'reset-requests':
      counts.reset();
      break;
    case 'requests':
      return { requests: counts.list() };
    case 'invocations':
      return { invocations: world.functions.invocations(command.name) };
    case 'waiting-events':
      return { waiting: world.functions.waiting(command.name) };
    case 'deliver-again':
      world.functions.deliverAgain(command.requestId);
      break;
    case 'kill-function':
      world.functions.kill(command.name);
      break;
    case 'end':
      await world.functions[Symbol.asyncDispose]();
  }
  return {};
}

listenToParent(({ id, command }) => {
  obey(command).then(
    (given) => answer({ kind: 'done', id, given }),
    (error: unknown) => answer({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) }),
  );
});

const server = await listen(world, { faults, counts });
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('the local AWS has no port');
answer({ kind: 'started', port: address.port });
