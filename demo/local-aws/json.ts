import { admit } from './admit.ts';
import { AwsError } from './aws-error.ts';
import { fromBytes, toBytes } from './byte-string.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { receiveText } from './receive.ts';
import type { Reply } from './reply.ts';

/** What the services that speak JSON have in common; each has a status of its own for a signature that is not good. */
export async function admitJson(
  world: World,
  exchange: Exchange,
  status: 400 | 403,
): Promise<{ readonly caller: Caller; readonly text: string }> {
  const text = await receiveText(exchange.request, undefined, world.folder);
  const caller = await admit(world, exchange, text, {
    status,
    incomplete: 'IncompleteSignatureException',
    mismatch: 'InvalidSignatureException',
    unknownKey: 'UnrecognizedClientException',
    expiredToken: 'ExpiredTokenException',
    unsigned: ['MissingAuthenticationTokenException', 'Missing Authentication Token'],
  });
  return { caller, text };
}

/** The document that a request is. */
export function parseInput(text: string): object {
  try {
    const parsed: unknown = JSON.parse(fromBytes(text));
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Refused below.
  }
  throw new AwsError(400, 'SerializationException', 'Could not parse the request as JSON.');
}

export function jsonReply(status: number, value: object, headers: readonly string[] = []): Reply {
  return {
    status,
    headers: ['content-type', 'application/x-amz-json-1.1', ...headers],
    content: toBytes(JSON.stringify(value)),
  };
}

export function renderJsonError(error: AwsError): Reply {
  return jsonReply(
    error.status,
    { ...error.details, __type: error.code, Message: error.message, message: error.message },
    ['x-amzn-errortype', error.code],
  );
}
