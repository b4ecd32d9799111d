import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { placeOf, type ServiceName } from './service.ts';

/** What was said, with the name by which AWS's own pages list it. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = messageOf(error);
  return error.name === 'Error' || message.includes(error.name) ? message : `${message} (${error.name})`;
}

/** Of an error that is several, such as one for each address of a host, the first that says anything. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [];
  const said = parts.flatMap((part) => (part instanceof Error && part.message !== '' ? [part.message] : []));
  return said[0] ?? ('code' in error ? String(error.code) : error.name);
}

/** Whether AWS has refused the request in so many words. */
export function isNamed(error: unknown, ...names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/** Whether a service says that the caller lacks a right. */
export function isDenied(error: unknown): error is Error {
  return isNamed(error, 'AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation');
}

interface Answered {
  readonly $response?: { readonly statusCode?: number };
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly code?: unknown;
}

/**
 * `aws-unreachable`, where the service was not spoken to at all: no host, no port, no answer in time, or one that no AWS
 * gives. Undefined for what AWS itself has said.
 */
export function unreachable(
  error: unknown,
  account: Pick<Account, 'region' | 'endpoints'>,
  service: ServiceName,
): RestageError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { $metadata: metadata, $response: response, code } = error as Error & Answered; // what the SDK and Node add to their errors
  const place = placeOf(account, service);
  const status = metadata?.httpStatusCode ?? response?.statusCode;
  // Of an answer that the SDK cannot read, such as a web page, it tells its own trouble with it.
  const isStrange = status !== undefined && /^(Error|SyntaxError|UnknownError|Unknown|\d+)$/.test(error.name);
  if (isStrange)
    return new RestageError('aws-unreachable', `${place} answered HTTP ${status}, and not as AWS does`, {
      cause: error,
      hint: `Check ${settingOf(account, service)}.`,
    });
  const isSilent = error.name === 'TimeoutError' || (typeof code === 'string' && status === undefined);
  if (!isSilent) return undefined;
  return new RestageError('aws-unreachable', `cannot reach ${place}: ${wordsOf(error)}`, {
    cause: error,
    hint:
      settingOf(account, service) === 'aws.region'
        ? `Check aws.region (${account.region}) and the network. ${routeAdvice(account, service)}`
        : `Check ${settingOf(account, service)} in restage.yaml, and that it runs.`,
  });
}

/** A function in a VPC, which has no public address, reaches AWS by one of these only. China names its endpoints by other rules. */
function routeAdvice({ region }: Pick<Account, 'region'>, service: ServiceName): string {
  const endpoint = region.startsWith('cn-') ? `for ${service}` : `com.amazonaws.${region}.${service}`;
  return `Within a VPC it takes a route to it: a NAT gateway, or the interface endpoint ${endpoint} with private DNS, whose security group lets port 443 in.`;
}

function settingOf({ endpoints }: Pick<Account, 'endpoints'>, service: ServiceName): string {
  const name = service === 'secretsmanager' ? 'secretsManager' : service;
  return endpoints[name] === undefined ? 'aws.region' : `aws.endpoints.${name}`;
}
