import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsError } from './aws-error.ts';
import type { Exchange, Facts, ServiceName, World } from './exchange.ts';
import type { Defect, Fault, Faults } from './faults.ts';
import type { Reply } from './reply.ts';
import { header, readRequest, type Request } from './request.ts';
import type { RequestCounts } from './request-counts.ts';
import { renderJsonError } from './json.ts';
import { serveLambda } from './lambda.ts';
import { renderQueryError } from './query.ts';
import { serveRds } from './rds.ts';
import { changeObject, removeObject } from './s3/interfere.ts';
import { renderS3Error, serveS3 } from './s3/serve.ts';
import { send, type Damage } from './send.ts';
import { serveSecretsManager } from './secrets-manager.ts';
import { signedService } from './signature.ts';
import { serveSsm } from './ssm.ts';
import { serveSts } from './sts.ts';

export interface Observers {
  readonly faults: Faults;
  readonly counts: RequestCounts;
}

/** Thrown to leave a request without an answer. */
class ConnectionReset extends Error {}

const hostId = randomBytes(42).toString('base64');
const idPrefix = randomBytes(4).toString('hex').toUpperCase();
let served = 0;

function nextRequestId(): string {
  served += 1;
  return idPrefix + served.toString(16).toUpperCase().padStart(8, '0');
}

function serviceOf(request: Request): ServiceName {
  const signedFor = signedService(request);
  if (signedFor !== undefined && signedFor in services) return signedFor as ServiceName; // one of their names
  return header(request, 'x-amz-target')?.startsWith('secretsmanager.') ? 'secretsmanager' : 's3';
}

interface Service {
  readonly serve: (world: World, exchange: Exchange, requestId: string) => Promise<Reply>;
  readonly renderError: (error: AwsError, requestId: string, path: string) => Reply;
}

const services: Readonly<Record<ServiceName, Service>> = {
  s3: { serve: serveS3, renderError: (error, requestId, path) => renderS3Error(error, path, requestId, hostId) },
  secretsmanager: { serve: serveSecretsManager, renderError: renderJsonError },
  sts: { serve: serveSts, renderError: renderQueryError },
  rds: { serve: serveRds, renderError: renderQueryError },
  lambda: { serve: serveLambda, renderError: renderJsonError },
  ssm: { serve: serveSsm, renderError: renderJsonError },
};

/** A defect of this server is answered as AWS answers one of its own, and says what it is. */
function toAwsError(thrown: unknown): AwsError {
  if (thrown instanceof AwsError) return thrown;
  return new AwsError(500, 'InternalError', `We encountered an internal error: ${String(thrown)}`);
}

/** Lets an upload's first bytes arrive, and then drops it. */
async function receiveSome(request: Request): Promise<void> {
  request.invite();
  const { incoming } = request;
  await new Promise<void>((resolve) => {
    incoming.once('data', () => resolve());
    incoming.once('end', () => resolve());
    incoming.once('close', () => resolve());
  });
}

const damages: Readonly<Partial<Record<Fault['kind'], Damage>>> = {
  'reset-in-body': 'reset',
  'truncate-body': 'truncate',
  'corrupt-body': 'corrupt',
};

async function apply(world: World, fault: Fault, request: Request, facts: Facts): Promise<Defect | undefined> {
  switch (fault.kind) {
    case 'truncate-body':
    case 'corrupt-body':
    case 'lose-answer':
      // Done when it is answered.
      return undefined;
    case 'corrupt-upload':
    case 'wrong-etag':
      return fault.kind;
    case 'error-in-200':
      throw new AwsError(200, fault.code, fault.message);
    case 'change':
      changeObject(world, request, facts, fault.body);
      return undefined;
    case 'remove':
      removeObject(world, request, facts);
      return undefined;
    case 'error':
      throw new AwsError(fault.status, fault.code, fault.message);
    case 'reset':
      throw new ConnectionReset();
    case 'reset-in-body':
      // A download is cut by `send`.
      if (request.method !== 'PUT' && request.method !== 'POST') return undefined;
      await receiveSome(request);
      throw new ConnectionReset();
    case 'delay':
      await sleep(fault.delayMs);
      return undefined;
  }
}

async function handle(
  world: World,
  observers: Observers,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const requestId = nextRequestId();
  const method = incoming.method ?? 'GET';
  let facts: Facts = { service: 's3', method, operation: 'Unknown', bucket: '', key: '', account: '' };
  let fault: Fault | undefined;
  let reply: Reply;
  let path = incoming.url ?? '/';
  try {
    const request = readRequest(incoming, outgoing, expectsContinue);
    path = request.path;
    facts = { ...facts, service: serviceOf(request) };
    const admit = async (): Promise<Defect | undefined> => {
      fault = observers.faults.strike(facts);
      return fault && apply(world, fault, request, facts);
    };
    reply = await services[facts.service].serve(world, { request, facts, admit }, requestId);
  } catch (thrown) {
    if (thrown instanceof ConnectionReset) {
      observers.counts.add(facts, 0);
      incoming.socket.resetAndDestroy();
      return;
    }
    reply = services[facts.service].renderError(toAwsError(thrown), requestId, path);
  }
  if (fault?.kind === 'lose-answer') {
    observers.counts.add(facts, 0);
    incoming.socket.resetAndDestroy();
    return;
  }
  observers.counts.add(facts, reply.status);
  await send(reply, incoming, outgoing, {
    ids: ['x-amz-request-id', requestId, 'x-amz-id-2', hostId],
    damage: fault && damages[fault.kind],
  });
}

/** The server for all services, listening on a free port of loopback. */
export function listen(world: World, observers: Observers): Promise<Server> {
  const onRequest =
    (expectsContinue: boolean) =>
    (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      handle(world, observers, incoming, outgoing, expectsContinue).catch(() => incoming.socket.destroy());
    };
  const server = createServer({ keepAlive: true, noDelay: true, highWaterMark: 256 * 1024 });
  server.on('request', onRequest(false));
  server.on('checkContinue', onRequest(true));
  // Clients keep sockets for a while; a server that closes one just when it is used again looks like a fault.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => resolve(server));
  });
}
