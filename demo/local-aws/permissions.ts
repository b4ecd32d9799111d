import { AwsError } from './aws-error.ts';
import type { Caller } from './identity.ts';
import { wildcards } from './wildcards.ts';

/** Whether the caller's own policies allow this: a user's and those of a role without `allows` allow everything. */
export function mayDo({ allows }: Caller, action: string, resource: string): boolean {
  return (
    allows === undefined ||
    allows.some((one) => wildcards(one.actions, 'is')(action) && wildcards(one.resources, 's')(resource))
  );
}

/** A refusal in the words that all services share; S3 puts the resource between quotes. */
export function notAllowed(
  { arn }: Caller,
  action: string,
  resource: string,
  [status, code]: readonly [status: number, code: string],
): AwsError {
  return new AwsError(
    status,
    code,
    `User: ${arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  );
}

/** Refuses what the caller's own policies do not allow. */
export function requireAllowed(
  caller: Caller,
  action: string,
  resource: string,
  refusal: readonly [status: number, code: string],
): void {
  if (!mayDo(caller, action, resource)) throw notAllowed(caller, action, resource, refusal);
}
