import { currentTime } from './clock.ts';
import { keyArn } from './s3/encryption.ts';
import type { ParameterSettings } from './settings.ts';

/** A parameter of Systems Manager. */
export interface Parameter {
  readonly arn: string;
  readonly name: string;
  readonly account: string;
  readonly value: string;
  readonly type: NonNullable<ParameterSettings['type']>;
  readonly kmsKey?: string;
  readonly version: number;
  readonly changedAt: number;
}

/** By their ARNs. */
export type Parameters = Map<string, Parameter>;

/** A name that is a path begins with the slash that otherwise separates it from what it is. */
export function parameterArn(region: string, account: string, name: string): string {
  return `arn:aws:ssm:${region}:${account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;
}

/** Puts it, or its next version. */
export function putParameter(parameters: Parameters, region: string, settings: ParameterSettings): void {
  const { account, name, value, type = 'String', kmsKey } = settings;
  const arn = parameterArn(region, account, name);
  parameters.set(arn, {
    arn,
    name,
    account,
    value,
    type,
    ...(kmsKey === undefined ? {} : { kmsKey: keyArn(kmsKey, region, account) }),
    version: (parameters.get(arn)?.version ?? 0) + 1,
    changedAt: Math.floor(currentTime() / 1000),
  });
}
