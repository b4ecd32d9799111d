import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { requireAllowed } from './permissions.ts';
import { serveQuery, type PerformQuery, type QueryService } from './query.ts';
import type { Reply } from './reply.ts';
import { element } from './xml.ts';

/** A role can be taken on by those whom it trusts, and with its external id where it wants one. */
function assumeRole(world: World, caller: Caller, parameters: URLSearchParams): string {
  const arn = parameters.get('RoleArn') ?? '';
  const session = parameters.get('RoleSessionName') ?? '';
  const match = /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(arn);
  if (!match) throw new AwsError(400, 'ValidationError', `${arn} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session))
    throw new AwsError(
      400,
      'ValidationError',
      `1 validation error detected: Value '${session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
    );
  const role = world.roles.get(arn);
  const durationSeconds = Number(parameters.get('DurationSeconds') ?? 3600);
  if (!(durationSeconds >= 900 && durationSeconds <= (role?.maxSeconds ?? 43_200)))
    throw new AwsError(
      400,
      'ValidationError',
      `The requested DurationSeconds exceeds the MaxSessionDuration set for this role.`,
    );
  requireAllowed(caller, 'sts:AssumeRole', arn, [403, 'AccessDenied']);
  const isTrusted = role?.trusts.some((principal) => caller.principals.includes(principal)) === true;
  const hasId = role?.externalId === undefined || role.externalId === parameters.get('ExternalId');
  // What is missing is not distinguished from what does not trust the caller.
  if (!isTrusted || !hasId)
    throw new AwsError(
      403,
      'AccessDenied',
      `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    );
  const [, account = '', name = ''] = match;
  const issued = world.credentials.issue(account, name, session, durationSeconds);
  const credentials =
    element('AccessKeyId', issued.accessKeyId) +
    element('SecretAccessKey', issued.secretAccessKey) +
    element('SessionToken', issued.sessionToken) +
    element('Expiration', new Date(issued.expiresAt).toISOString());
  const user = element('AssumedRoleId', issued.caller.userId) + element('Arn', issued.caller.arn);
  return `<AssumedRoleUser>${user}</AssumedRoleUser><Credentials>${credentials}</Credentials>`;
}

const service: QueryService = {
  version: '2011-06-15',
  namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  operations: new Map<string, PerformQuery>([
    [
      'GetCallerIdentity',
      (_world, caller) =>
        element('Arn', caller.arn) + element('UserId', caller.userId) + element('Account', caller.account),
    ],
    ['AssumeRole', assumeRole],
  ]),
};

export function serveSts(world: World, exchange: Exchange, requestId: string): Promise<Reply> {
  return serveQuery(service, world, exchange, requestId);
}
