import { admit } from './admit.ts';
import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { receiveText } from './receive.ts';
import type { RefusalCodes } from './refusals.ts';
import type { Reply } from './reply.ts';
import { element } from './xml.ts';

// The protocol of AWS's oldest services: a form as the request, XML as the answer.
const refusals: RefusalCodes = {
  status: 403,
  incomplete: 'IncompleteSignature',
  mismatch: 'SignatureDoesNotMatch',
  unknownKey: 'InvalidClientTokenId',
  expiredToken: 'ExpiredToken',
  unsigned: ['MissingAuthenticationToken', 'Request is missing Authentication Token'],
};

export type PerformQuery = (world: World, caller: Caller, parameters: URLSearchParams) => string;

export interface QueryService {
  readonly version: string;
  readonly namespace: string;
  readonly operations: ReadonlyMap<string, PerformQuery>;
}

export async function serveQuery(
  { version, namespace, operations }: QueryService,
  world: World,
  exchange: Exchange,
  requestId: string,
): Promise<Reply> {
  const { request, facts } = exchange;
  const text = await receiveText(request, undefined, world.folder);
  const parameters =
    request.method === 'GET' ? new URLSearchParams(request.query.map(([...pair]) => pair)) : new URLSearchParams(text);
  const operation = parameters.get('Action') ?? '';
  const perform = operations.get(operation);
  facts.operation = perform === undefined ? 'Unknown' : operation;
  const caller = await admit(world, exchange, text, refusals);
  if (perform === undefined)
    throw new AwsError(400, 'InvalidAction', `Could not find operation for version ${version}`);
  const result = perform(world, caller, parameters);
  const metadata = `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
  const content = `<${operation}Response xmlns="${namespace}"><${operation}Result>${result}</${operation}Result>${metadata}</${operation}Response>`;
  return { status: 200, headers: ['content-type', 'text/xml'], content };
}

export function renderQueryError(error: AwsError, requestId: string): Reply {
  const type = element('Type', error.status >= 500 ? 'Receiver' : 'Sender');
  const content =
    `<ErrorResponse><Error>${type}${element('Code', error.code)}${element('Message', error.message)}</Error>` +
    `${element('RequestId', requestId)}</ErrorResponse>`;
  return { status: error.status, headers: ['content-type', 'text/xml'], content };
}
