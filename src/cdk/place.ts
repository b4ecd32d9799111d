import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Where things are that ARNs name: parts may be tokens, which the deployment knows. */
export interface Place {
  readonly stack: Stack;
  readonly region: string;
}

/** The place of an end's things in the account of a stack. */
export function placeOf(construct: IConstruct, aws: { readonly region?: string | undefined } | undefined): Place {
  const stack = Stack.of(construct);
  return { stack, region: aws?.region ?? stack.region };
}

/** AWS ends the ARN of a secret with a hyphen and six characters of its own. */
export function secretArn(place: Place, name: string): string {
  if (name.startsWith('arn:')) return /-[A-Za-z0-9]{6}$/.test(name) ? name : `${name}-??????`;
  return arn(place, 'secretsmanager', 'secret', `${name}-??????`, ArnFormat.COLON_RESOURCE_NAME);
}

/** RDS is asked for a cluster of the name, then for an instance. */
export function databaseArns(place: Place, identifier: string): readonly string[] {
  if (identifier.startsWith('arn:')) return [identifier];
  return ['cluster', 'db'].map((kind) => arn(place, 'rds', kind, identifier, ArnFormat.COLON_RESOURCE_NAME));
}

/** Who may log in with a token, by the id of RDS's own that begins with db- or cluster-. */
export function databaseUserArn(place: Place, resourceId: string, user: string): string {
  return arn(place, 'rds-db', 'dbuser', `${resourceId}/${user}`, ArnFormat.COLON_RESOURCE_NAME);
}

export function functionArn(place: Place, name: string): string {
  return arn(place, 'lambda', 'function', name, ArnFormat.COLON_RESOURCE_NAME);
}

export function parameterArn(place: Place, name: string): string {
  if (name.startsWith('arn:')) return name;
  // IAM knows no versions and labels of a parameter, which stand after a colon.
  const bare = name.replace(/^\//, '').replace(/:[^/]*$/, '');
  return arn(place, 'ssm', 'parameter', bare, ArnFormat.SLASH_RESOURCE_NAME);
}

export function bucketArn({ stack }: Pick<Place, 'stack'>, bucket: string): string {
  return bucket.startsWith('arn:') ? bucket : `arn:${stack.partition}:s3:::${bucket}`;
}

export function networkArn(place: Place, kind: string, id: string): string {
  return arn(place, 'ec2', kind, id, ArnFormat.SLASH_RESOURCE_NAME);
}

function arn({ stack, region }: Place, service: string, resource: string, resourceName: string, arnFormat: ArnFormat) {
  return stack.formatArn({ service, region, resource, resourceName, arnFormat });
}

/** Whether two account ids, regions or names are known here and are not the same. */
export function differ(one: string | undefined, other: string | undefined): boolean {
  return (
    one !== undefined && other !== undefined && !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other
  );
}
