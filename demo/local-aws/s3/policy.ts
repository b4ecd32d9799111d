import { AwsError } from '../aws-error.ts';
import type { Caller } from '../identity.ts';
import { wildcards } from '../wildcards.ts';

interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly principal: (caller: Caller) => boolean;
  readonly action: (action: string) => boolean;
  readonly resource: (resource: string) => boolean;
}

/** A bucket policy, ready to be asked. */
export interface Policy {
  readonly document: string;
  readonly statements: readonly Statement[];
}

const malformed = (message: string): AwsError => new AwsError(400, 'MalformedPolicy', message);

function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item === 'string') return item;
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  });
}

function either(statement: object, name: string, flags: string): (text: string) => boolean {
  const positive: unknown = Reflect.get(statement, name);
  if (positive !== undefined) return wildcards(texts(positive), flags);
  const negative: unknown = Reflect.get(statement, `Not${name}`);
  if (negative === undefined) throw malformed(`Missing required field ${name}`);
  const matches = wildcards(texts(negative), flags);
  return (text) => !matches(text);
}

function principals(value: unknown): (caller: Caller) => boolean {
  if (value === '*') return () => true;
  if (typeof value !== 'object' || value === null) throw malformed('Invalid principal in policy');
  const aws: unknown = Reflect.get(value, 'AWS');
  const named = aws === undefined ? [] : texts(aws);
  if (named.includes('*')) return () => true;
  return (caller) => named.some((name) => caller.principals.includes(name));
}

function principal(statement: object): (caller: Caller) => boolean {
  const positive: unknown = Reflect.get(statement, 'Principal');
  if (positive !== undefined) return principals(positive);
  const negative: unknown = Reflect.get(statement, 'NotPrincipal');
  if (negative === undefined) throw malformed('Missing required field Principal');
  const matches = principals(negative);
  return (caller) => !matches(caller);
}

function parseStatement(statement: unknown, bucket: string): Statement {
  if (typeof statement !== 'object' || statement === null) throw malformed('Statement is not an object');
  const effect: unknown = Reflect.get(statement, 'Effect');
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Invalid effect in policy');
  const named: unknown = Reflect.get(statement, 'Resource');
  const arn = `arn:aws:s3:::${bucket}`;
  if (named !== undefined && !texts(named).every((name) => name === arn || name.startsWith(`${arn}/`)))
    throw malformed('Policy has invalid resource');
  // No condition is understood here, and what is not understood grants nothing.
  const conditional = Reflect.has(statement, 'Condition');
  const asked = principal(statement);
  return {
    effect,
    principal: conditional ? () => false : asked,
    action: either(statement, 'Action', 'is'),
    resource: either(statement, 'Resource', 's'),
  };
}

export function parsePolicy(document: string, bucket: string): Policy {
  let parsed: unknown;
  try {
    parsed = JSON.parse(document);
  } catch {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  if (typeof parsed !== 'object' || parsed === null) throw malformed('Policy is not an object');
  const statement: unknown = Reflect.get(parsed, 'Statement');
  const list: readonly unknown[] = Array.isArray(statement) ? statement : [statement];
  return { document, statements: list.map((item) => parseStatement(item, bucket)) };
}

/** What the policy says: an explicit deny stands above every allow. */
export function decide(
  policy: Policy | undefined,
  caller: Caller,
  action: string,
  resource: string,
): 'allow' | 'deny' | 'silent' {
  let decision: 'allow' | 'silent' = 'silent';
  for (const statement of policy?.statements ?? []) {
    if (!statement.principal(caller) || !statement.action(action) || !statement.resource(resource)) continue;
    if (statement.effect === 'Deny') return 'deny';
    decision = 'allow';
  }
  return decision;
}
