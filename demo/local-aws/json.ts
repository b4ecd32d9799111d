import { hash } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { toBytes } from './byte-string.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { receiveText } from './receive.ts';
import { refusalsOf } from './refusals.ts';
import type { Reply } from './reply.ts';
import { authenticate } from './signature.ts';

/** What the services that speak JSON have in common; each has a status of its own for a signature that is not good. */
export async function admitJson(
  world: World,
  exchange: Exchange,
  status: 400 | 403,
): Promise<{ readonly caller: Caller; readonly text: string }> {
  const { request, facts } = exchange;
  const refusals = refusalsOf({
    status,
    incomplete: 'IncompleteSignatureException',
    mismatch: 'InvalidSignatureException',
    unknownKey: 'UnrecognizedClientException',
    expiredToken: 'ExpiredTokenException',
  });
  const text = await receiveText(request, undefined, world.folder);
  const payloadHash = hash('sha256', Buffer.from(text, 'latin1'), 'hex');
  const authentication = authenticate(request, world.credentials, world.signedRegion, payloadHash);
  if (authentication.kind === 'refused') throw new AwsError(...refusals[authentication.failure.kind]);
  const { caller, signing } = authentication;
  if (signing === undefined)
    throw new AwsError(status, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  facts.account = caller.account;
  await exchange.admit();
  return { caller, text };
}

export function jsonReply(status: number, value: object, headers: readonly string[] = []): Reply {
  return {
    status,
    headers: ['content-type', 'application/x-amz-json-1.1', ...headers],
    content: toBytes(JSON.stringify(value)),
  };
}

export function renderJsonError(error: AwsError): Reply {
  return jsonReply(error.status, { __type: error.code, Message: error.message, message: error.message }, [
    'x-amzn-errortype',
    error.code,
  ]);
}
