import { hash } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { refusalsOf, type RefusalCodes } from './refusals.ts';
import { authenticate } from './signature.ts';

/** Lets a signed request to a service beside S3 in, past the faults, and tells whose it is. `text`: its body. */
export async function admit(world: World, exchange: Exchange, text: string, codes: RefusalCodes): Promise<Caller> {
  const { request, facts } = exchange;
  const payloadHash = hash('sha256', Buffer.from(text, 'latin1'), 'hex');
  const authentication = authenticate(request, world.credentials, world.signedRegion, payloadHash);
  if (authentication.kind === 'refused') throw new AwsError(...refusalsOf(codes)[authentication.failure.kind]);
  const { caller, signing } = authentication;
  if (signing === undefined) throw new AwsError(codes.status, ...codes.unsigned);
  facts.account = caller.account;
  await exchange.admit();
  return caller;
}
