import { hash } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { receiveText } from './receive.ts';
import { refusalsOf } from './refusals.ts';
import type { Reply } from './reply.ts';
import { authenticate } from './signature.ts';
import { element } from './xml.ts';

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

const refusals = refusalsOf({
  status: 403,
  incomplete: 'IncompleteSignature',
  mismatch: 'SignatureDoesNotMatch',
  unknownKey: 'InvalidClientTokenId',
  expiredToken: 'ExpiredToken',
});

function assumeRole(world: World, caller: Caller, parameters: URLSearchParams): string {
  const roleArn = parameters.get('RoleArn') ?? '';
  const session = parameters.get('RoleSessionName') ?? '';
  const match = /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(roleArn);
  if (!match) throw new AwsError(400, 'ValidationError', `${roleArn} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session))
    throw new AwsError(
      400,
      'ValidationError',
      `1 validation error detected: Value '${session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
    );
  const durationSeconds = Number(parameters.get('DurationSeconds') ?? 3600);
  if (!(durationSeconds >= 900 && durationSeconds <= 43_200))
    throw new AwsError(
      400,
      'ValidationError',
      `1 validation error detected: Value '${durationSeconds}' at 'durationSeconds' failed to satisfy constraint`,
    );
  const [, account = '', role = ''] = match;
  if (!world.credentials.hasAccount(account))
    throw new AwsError(
      403,
      'AccessDenied',
      `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    );
  const issued = world.credentials.issue(account, role, session, durationSeconds);
  const credentials =
    element('AccessKeyId', issued.accessKeyId) +
    element('SecretAccessKey', issued.secretAccessKey) +
    element('SessionToken', issued.sessionToken) +
    element('Expiration', new Date(issued.expiresAt).toISOString());
  const user = element('AssumedRoleId', issued.caller.userId) + element('Arn', issued.caller.arn);
  return `<AssumedRoleUser>${user}</AssumedRoleUser><Credentials>${credentials}</Credentials>`;
}

type Perform = (world: World, caller: Caller, parameters: URLSearchParams) => string;

const operations: ReadonlyMap<string, Perform> = new Map<string, Perform>([
  [
    'GetCallerIdentity',
    (_world, caller) =>
      element('Arn', caller.arn) + element('UserId', caller.userId) + element('Account', caller.account),
  ],
  ['AssumeRole', assumeRole],
]);

export async function serveSts(world: World, exchange: Exchange, requestId: string): Promise<Reply> {
  const { request, facts } = exchange;
  const text = await receiveText(request, undefined, world.folder);
  const parameters =
    request.method === 'GET' ? new URLSearchParams(request.query.map(([...pair]) => pair)) : new URLSearchParams(text);
  const operation = parameters.get('Action') ?? '';
  const perform = operations.get(operation);
  facts.operation = perform === undefined ? 'Unknown' : operation;
  const payloadHash = hash('sha256', Buffer.from(text, 'latin1'), 'hex');
  const authentication = authenticate(request, world.credentials, world.signedRegion, payloadHash);
  if (authentication.kind === 'refused') throw new AwsError(...refusals[authentication.failure.kind]);
  const { caller, signing } = authentication;
  if (signing === undefined)
    throw new AwsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
  facts.account = caller.account;
  await exchange.admit();
  if (perform === undefined)
    throw new AwsError(400, 'InvalidAction', 'Could not find operation for version 2011-06-15');
  const result = perform(world, caller, parameters);
  const metadata = `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
  const content = `<${operation}Response xmlns="${namespace}"><${operation}Result>${result}</${operation}Result>${metadata}</${operation}Response>`;
  return { status: 200, headers: ['content-type', 'text/xml'], content };
}

export function renderQueryError(error: AwsError, requestId: string): Reply {
  const type = element('Type', error.status >= 500 ? 'Receiver' : 'Sender');
  const content =
    `<ErrorResponse xmlns="${namespace}"><Error>${type}${element('Code', error.code)}${element('Message', error.message)}</Error>` +
    `${element('RequestId', requestId)}</ErrorResponse>`;
  return { status: error.status, headers: ['content-type', 'text/xml'], content };
}
