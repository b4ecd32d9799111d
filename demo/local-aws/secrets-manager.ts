import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { admitJson, jsonReply, parseInput } from './json.ts';
import { mayDo, requireAllowed } from './permissions.ts';
import { header } from './request.ts';
import type { Reply } from './reply.ts';
import type { Secret } from './secrets.ts';

interface Call {
  readonly world: World;
  readonly caller: Caller;
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

/** Where the caller's own policies name the secret, or all of them, for this. */
function demandAction({ world, caller }: Call, operation: string, id: unknown): void {
  const named = typeof id === 'string' && id !== '' ? id : '*';
  // IAM knows a secret by its whole ARN, whatever it was asked for by.
  const found = [...world.secrets.values()].find(
    ({ arn, name, account }) =>
      arn === named || arn.slice(0, -7) === named || (name === named && account === caller.account),
  );
  const scope = `arn:aws:secretsmanager:${world.region}:${caller.account}:secret:`;
  const arn = found?.arn ?? (named === '*' || named.startsWith('arn:') ? named : `${scope}${named}`);
  requireAllowed(caller, `secretsmanager:${operation}`, arn, [400, 'AccessDeniedException']);
}

function notAuthorized(caller: Caller, operation: string, arn: string): AwsError {
  return new AwsError(
    400,
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: secretsmanager:${operation} on resource: ${arn} because no resource-based policy allows the secretsmanager:${operation} action`,
  );
}

/** What a secret holds is encrypted; the default key of an account decrypts for nobody else. */
function demandValue(world: World, caller: Caller, secret: Secret): void {
  if (secret.markedForDeletion)
    throw new AwsError(
      400,
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  const isForeign = secret.account !== caller.account;
  const { kmsKey } = secret;
  const isDenied =
    kmsKey === undefined
      ? isForeign
      : [kmsKey, kmsKey.slice(kmsKey.lastIndexOf('/') + 1)].some((key) =>
          world.deniedKeys.get(key)?.includes(caller.account),
        );
  if (isDenied || (kmsKey !== undefined && !mayDo(caller, 'kms:Decrypt', kmsKey)))
    throw new AwsError(400, 'AccessDeniedException', 'Access to KMS is not allowed');
}

function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAt,
    LastChangedDate: secret.createdAt,
    ...(secret.kmsKey === undefined ? {} : { KmsKeyId: secret.kmsKey }),
    ...(secret.markedForDeletion ? { DeletedDate: secret.createdAt } : {}),
  };
}

type Perform = (world: World, caller: Caller, find: () => Secret, asked: object) => object;

const operations: ReadonlyMap<string, Perform> = new Map<string, Perform>([
  [
    'GetSecretValue',
    (world, caller, find) => {
      const secret = find();
      demandValue(world, caller, secret);
      const { arn, name, value, versionId, createdAt } = secret;
      const content =
        typeof value === 'string' ? { SecretString: value } : { SecretBinary: Buffer.from(value).toString('base64') };
      const version = { VersionId: versionId, VersionStages: ['AWSCURRENT'], CreatedDate: createdAt };
      return { ARN: arn, Name: name, ...content, ...version };
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
    (world, caller, _find, asked) => {
      const own = [...world.secrets.values()].filter(
        (secret) => secret.account === caller.account && !secret.markedForDeletion,
      );
      const start = Number(Reflect.get(asked, 'NextToken') ?? 0);
      const end = start + Number(Reflect.get(asked, 'MaxResults') ?? 100);
      const next = end < own.length ? { NextToken: String(end) } : {};
      return { SecretList: own.slice(start, end).map(describe), ...next };
    },
  ],
]);

export async function serveSecretsManager(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const target = header(request, 'x-amz-target') ?? '';
  const name = target.slice(target.indexOf('.') + 1);
  const perform = operations.get(name);
  facts.operation = perform === undefined ? 'Unknown' : name;
  const { caller, text } = await admitJson(world, exchange, 400);
  if (perform === undefined) throw new AwsError(400, 'UnknownOperationException', '');
  const asked = parseInput(text);
  demandAction({ world, caller }, name, name === 'ListSecrets' ? '*' : Reflect.get(asked, 'SecretId'));
  const find = (): Secret => findSecret(world, caller, name, Reflect.get(asked, 'SecretId'));
  return jsonReply(200, perform(world, caller, find, asked));
}
