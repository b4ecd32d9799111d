import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { admitJson, jsonReply, parseInput } from './json.ts';
import { parameterArn, type Parameter } from './parameters.ts';
import { mayDo, requireAllowed } from './permissions.ts';
import { header } from './request.ts';
import type { Reply } from './reply.ts';

interface Asked {
  readonly world: World;
  readonly caller: Caller;
  readonly input: object;
}

const denied = [400, 'AccessDeniedException'] as const;

function text({ input }: Asked, name: string): string {
  const value: unknown = Reflect.get(input, name);
  if (typeof value === 'string' && value !== '') return value;
  throw new AwsError(
    400,
    'ValidationException',
    `1 validation error detected: Value at '${name.charAt(0).toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must not be null`,
  );
}

/** The default key of an account decrypts for whoever may read the parameter; another one must be allowed by itself. */
function demandValue({ world, caller }: Asked, { kmsKey }: Parameter): void {
  if (kmsKey === undefined) return;
  const isDenied = [kmsKey, kmsKey.slice(kmsKey.lastIndexOf('/') + 1)].some((key) =>
    world.deniedKeys.get(key)?.includes(caller.account),
  );
  if (isDenied || !mayDo(caller, 'kms:Decrypt', kmsKey))
    throw new AwsError(
      ...denied,
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    );
}

function describe({ name, arn, type, version, changedAt, kmsKey }: Parameter): object {
  const key = kmsKey === undefined ? {} : { KeyId: kmsKey };
  return { Name: name, ARN: arn, Type: type, Version: version, LastModifiedDate: changedAt, DataType: 'text', ...key };
}

/** With its value; what is encrypted stays so unless it is to be decrypted. */
function reveal(asked: Asked, parameter: Parameter): object {
  const { name, arn, type, version, changedAt, value } = parameter;
  const isClear = type !== 'SecureString' || Reflect.get(asked.input, 'WithDecryption') === true;
  if (isClear && type === 'SecureString') demandValue(asked, parameter);
  const shown = isClear ? value : Buffer.from(`encrypted ${arn} ${version}`).toString('base64');
  return {
    Name: name,
    ARN: arn,
    Type: type,
    Version: version,
    LastModifiedDate: changedAt,
    DataType: 'text',
    Value: shown,
  };
}

/** By name, or by ARN. What is missing in another account is not distinguished from what is not shared. */
function getParameter(asked: Asked): object {
  const { world, caller } = asked;
  const name = text(asked, 'Name');
  const arn = name.startsWith('arn:') ? name : parameterArn(world.region, caller.account, name);
  requireAllowed(caller, 'ssm:GetParameter', arn, denied);
  if (arn.split(':')[4] !== caller.account)
    throw new AwsError(
      ...denied,
      `User: ${caller.arn} is not authorized to perform: ssm:GetParameter on resource: ${arn} because no resource-based policy allows the ssm:GetParameter action`,
    );
  const found = world.parameters.get(arn);
  // It has no message.
  if (found === undefined) throw new AwsError(400, 'ParameterNotFound', '');
  return { Parameter: reveal(asked, found) };
}

function page<T>(
  { input }: Asked,
  list: readonly T[],
  most: number,
): { readonly shown: readonly T[]; readonly next: object } {
  const start = Number(Reflect.get(input, 'NextToken') ?? 0);
  const end = start + Math.min(Number(Reflect.get(input, 'MaxResults') ?? most), most);
  return { shown: list.slice(start, end), next: end < list.length ? { NextToken: String(end) } : {} };
}

function own({ world, caller }: Asked): readonly Parameter[] {
  return [...world.parameters.values()].filter(({ account }) => account === caller.account);
}

function getParametersByPath(asked: Asked): object {
  const path = text(asked, 'Path').replace(/\/?$/, '/');
  const { world, caller, input } = asked;
  requireAllowed(caller, 'ssm:GetParametersByPath', parameterArn(world.region, caller.account, path), denied);
  const isDeep = Reflect.get(input, 'Recursive') === true;
  const under = own(asked).filter(
    ({ name }) => name.startsWith(path) && (isDeep || !name.slice(path.length).includes('/')),
  );
  const { shown, next } = page(asked, under, 10);
  return { Parameters: shown.map((one) => reveal(asked, one)), ...next };
}

interface Filter {
  readonly Key?: string;
  readonly Option?: string;
  readonly Values?: readonly string[];
}

function fits({ Key: key, Option: option = 'Equals', Values: values = [] }: Filter, { name }: Parameter): boolean {
  if (key !== 'Name') throw new AwsError(400, 'InvalidFilterKey', 'Only Name is known to the local AWS.');
  return values.some((value) =>
    option === 'BeginsWith' ? name.startsWith(value) : option === 'Contains' ? name.includes(value) : name === value,
  );
}

function describeParameters(asked: Asked): object {
  const { world, caller, input } = asked;
  requireAllowed(caller, 'ssm:DescribeParameters', `arn:aws:ssm:${world.region}:${caller.account}:*`, denied);
  const filters = (Reflect.get(input, 'ParameterFilters') ?? []) as readonly Filter[]; // as the client serializes them
  const found = own(asked).filter((one) => filters.every((filter) => fits(filter, one)));
  const { shown, next } = page(asked, found, 50);
  return { Parameters: shown.map(describe), ...next };
}

const operations: ReadonlyMap<string, (asked: Asked) => object> = new Map([
  ['GetParameter', getParameter],
  ['GetParametersByPath', getParametersByPath],
  ['DescribeParameters', describeParameters],
]);

export async function serveSsm(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const name = (header(request, 'x-amz-target') ?? '').replace(/^AmazonSSM\./, '');
  const perform = operations.get(name);
  facts.operation = perform === undefined ? 'Unknown' : name;
  const { caller, text: body } = await admitJson(world, exchange, 400);
  if (perform === undefined) throw new AwsError(400, 'UnknownOperationException', '');
  return jsonReply(200, perform({ world, caller, input: parseInput(body) }));
}
