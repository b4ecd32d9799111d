import type { Refusals } from './signature.ts';

/** The codes by which a service says that it does not accept a signature. */
export interface RefusalCodes {
  /** Of everything but a header that is incomplete, which is 400 everywhere. */
  readonly status: number;
  readonly incomplete: string;
  readonly mismatch: string;
  readonly unknownKey: string;
  readonly expiredToken: string;
  /** For who has not signed at all. */
  readonly unsigned: readonly [code: string, message: string];
}

/** The refusals of the services beside S3: the same words, each service with codes of its own. */
export function refusalsOf({ status, incomplete, mismatch, unknownKey, expiredToken }: RefusalCodes): Refusals {
  const malformed = [400, incomplete, 'Authorization header is incomplete.'] as const;
  const expired = [status, mismatch, 'Signature expired or not yet current'] as const;
  const unknown = [status, unknownKey, 'The security token included in the request is invalid.'] as const;
  const wrong = [
    status,
    mismatch,
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  ] as const;
  return {
    malformed,
    unsupported: malformed,
    'missing-date': malformed,
    skewed: expired,
    'expired-request': expired,
    'unknown-key': unknown,
    'invalid-token': unknown,
    'wrong-region': [status, mismatch, 'Credential should be scoped to a valid region.'],
    'expired-token': [status, expiredToken, 'The security token included in the request is expired'],
    'unsigned-headers': wrong,
    'wrong-signature': wrong,
  };
}
