import { hash } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { fromBytes, toBytes } from './byte-string.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { receiveText } from './receive.ts';
import { header } from './request.ts';
import { refusalsOf } from './refusals.ts';
import type { Reply } from './reply.ts';
import type { Secret } from './secrets.ts';
import { authenticate } from './signature.ts';

const refusals = refusalsOf({
  status: 400,
  incomplete: 'IncompleteSignatureException',
  mismatch: 'InvalidSignatureException',
  unknownKey: 'UnrecognizedClientException',
  expiredToken: 'ExpiredTokenException',
});

function input(text: string): object {
  try {
    const parsed: unknown = JSON.parse(fromBytes(text));
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Refused below.
  }
  throw new AwsError(400, 'SerializationException', 'Could not parse the request as JSON.');
}

function findSecret(world: World, caller: Caller, operation: string, id: unknown): Secret {
  if (typeof id !== 'string' || id === '')
    throw new AwsError(
      400,
      'ValidationException',
      "1 validation error detected: Value at 'secretId' failed to satisfy constraint: Member must not be null",
    );
  for (const secret of world.secrets.values()) {
    if (id.startsWith('arn:')) {
      // AWS also takes an ARN without the six characters that it has added.
      if (secret.arn !== id && secret.arn.slice(0, -7) !== id) continue;
    } else if (secret.name !== id || secret.account !== caller.account) continue;
    if (secret.account === caller.account || secret.sharedWith.includes(caller.account)) return secret;
    throw notAuthorized(caller, operation, id);
  }
  const owner = id.startsWith('arn:') ? id.split(':')[4] : caller.account;
  // What is missing in another account is not distinguished from what is not shared.
  if (owner !== caller.account) throw notAuthorized(caller, operation, id);
  throw new AwsError(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

function notAuthorized(caller: Caller, operation: string, arn: string): AwsError {
  return new AwsError(
    400,
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: secretsmanager:${operation} on resource: ${arn} because no resource-based policy allows the secretsmanager:${operation} action`,
  );
}

function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAt,
    LastChangedDate: secret.createdAt,
  };
}

type Perform = (world: World, caller: Caller, find: () => Secret) => object;

const operations: ReadonlyMap<string, Perform> = new Map<string, Perform>([
  [
    'GetSecretValue',
    (_world, _caller, find) => {
      const { arn, name, value, versionId, createdAt } = find();
      const version = { VersionId: versionId, VersionStages: ['AWSCURRENT'], CreatedDate: createdAt };
      return { ARN: arn, Name: name, SecretString: value, ...version };
    },
  ],
  [
    'DescribeSecret',
    (_world, _caller, find) => {
      const secret = find();
      return { ...describe(secret), VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] } };
    },
  ],
  [
    'ListSecrets',
    (world, caller) => {
      const own = [...world.secrets.values()].filter((secret) => secret.account === caller.account);
      return { SecretList: own.map(describe) };
    },
  ],
]);

function json(status: number, value: object, headers: readonly string[] = []): Reply {
  return {
    status,
    headers: ['content-type', 'application/x-amz-json-1.1', ...headers],
    content: toBytes(JSON.stringify(value)),
  };
}

export async function serveSecretsManager(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const target = header(request, 'x-amz-target') ?? '';
  const name = target.slice(target.indexOf('.') + 1);
  const perform = operations.get(name);
  facts.operation = perform === undefined ? 'Unknown' : name;
  const text = await receiveText(request, undefined, world.folder);
  const payloadHash = hash('sha256', Buffer.from(text, 'latin1'), 'hex');
  const authentication = authenticate(request, world.credentials, world.signedRegion, payloadHash);
  if (authentication.kind === 'refused') throw new AwsError(...refusals[authentication.failure.kind]);
  const { caller, signing } = authentication;
  if (signing === undefined)
    throw new AwsError(400, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  facts.account = caller.account;
  await exchange.admit();
  if (perform === undefined) throw new AwsError(400, 'UnknownOperationException', '');
  const asked = input(text);
  const find = (): Secret => findSecret(world, caller, name, Reflect.get(asked, 'SecretId'));
  return json(200, perform(world, caller, find));
}

export function renderJsonError(error: AwsError): Reply {
  return json(error.status, { __type: error.code, Message: error.message, message: error.message }, [
    'x-amzn-errortype',
    error.code,
  ]);
}
