import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { admitJson, jsonReply } from './json.ts';
import type { Reply } from './reply.ts';
import { parameter, type Request } from './request.ts';
import type { FunctionSettings } from './settings.ts';

const version = '/2015-03-31/functions';

function arnOf({ account, name }: FunctionSettings, region: string): string {
  return `arn:aws:lambda:${region}:${account}:function:${name}`;
}

function describe(settings: FunctionSettings, region: string): object {
  const { name, timeoutSeconds = 3, memoryMebibytes = 128, vpcId, state = 'Active', runtime = 'nodejs24.x' } = settings;
  return {
    FunctionName: name,
    FunctionArn: arnOf(settings, region),
    Runtime: runtime,
    Handler: 'index.handler',
    Timeout: timeoutSeconds,
    MemorySize: memoryMebibytes,
    LastModified: '2025-12-22T18:04:05.000+0000',
    State: state,
    ...(vpcId === undefined ? {} : { VpcConfig: { VpcId: vpcId, SubnetIds: [], SecurityGroupIds: [] } }),
  };
}

/** By name or by ARN. What is missing in another account is not distinguished from what is not shared. */
function find(world: World, caller: Caller, asked: string): FunctionSettings {
  const own = [...world.functions.values()].filter(({ account }) => account === caller.account);
  const found = own.find((one) => one.name === asked || arnOf(one, world.region) === asked);
  if (found) return found;
  const arn = asked.startsWith('arn:') ? asked : arnOf({ account: caller.account, name: asked }, world.region);
  if (arn.split(':')[4] !== caller.account)
    throw new AwsError(
      403,
      'AccessDeniedException',
      `User: ${caller.arn} is not authorized to perform: lambda:GetFunctionConfiguration on resource: ${arn} because no resource-based policy allows the lambda:GetFunctionConfiguration action`,
    );
  throw new AwsError(404, 'ResourceNotFoundException', `Function not found: ${arn}`);
}

function list(world: World, caller: Caller, request: Request): object {
  const own = [...world.functions.values()].filter(({ account }) => account === caller.account);
  const start = Number(parameter(request, 'Marker') ?? 0);
  const end = start + Number(parameter(request, 'MaxItems') ?? 50);
  const page = own.slice(start, end).map((one) => describe(one, world.region));
  return { Functions: page, ...(end < own.length ? { NextMarker: String(end) } : {}) };
}

export async function serveLambda(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const name = new RegExp(`^${version}/(.+)/configuration$`).exec(request.path)?.[1];
  const isList = request.path.replace(/\/$/, '') === version;
  const known = request.method === 'GET' && (isList || name !== undefined);
  facts.operation = !known ? 'Unknown' : isList ? 'ListFunctions' : 'GetFunctionConfiguration';
  const { caller } = await admitJson(world, exchange, 403);
  if (!known) throw new AwsError(404, 'UnknownOperationException', '');
  return jsonReply(
    200,
    name === undefined ? list(world, caller, request) : describe(find(world, caller, name), world.region),
  );
}
