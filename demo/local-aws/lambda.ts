import { randomUUID } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import type { Exchange, World } from './exchange.ts';
import type { Caller } from './identity.ts';
import { admitJson, jsonReply } from './json.ts';
import { functionArn } from './lambda-functions.ts';
import { invoke } from './lambda-invoke.ts';
import { requireAllowed } from './permissions.ts';
import type { Reply } from './reply.ts';
import { parameter, type Request } from './request.ts';
import type { FunctionSettings } from './settings.ts';

interface Asked {
  readonly world: World;
  readonly caller: Caller;
  readonly request: Request;
  readonly text: string;
  /** Of the function, or its ARN; empty where none is named. */
  readonly name: string;
}

const denied = [403, 'AccessDeniedException'] as const;

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly perform: (asked: Asked) => Reply | Promise<Reply>;
}

function describe(settings: FunctionSettings, region: string): object {
  const { name, timeoutSeconds = 3, memoryMebibytes = 128, vpcId, state = 'Active', runtime = 'nodejs24.x' } = settings;
  const { logGroup = `/aws/lambda/${name}` } = settings;
  const { handler = 'index.handler', role, environment } = settings;
  return {
    FunctionName: name,
    FunctionArn: functionArn(settings, region),
    Runtime: runtime,
    Handler: handler,
    Timeout: timeoutSeconds,
    MemorySize: memoryMebibytes,
    LastModified: '2025-12-22T18:04:05.000+0000',
    Version: '$LATEST',
    State: state,
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    ...(role === undefined ? {} : { Role: role }),
    ...(environment === undefined ? {} : { Environment: { Variables: environment } }),
    LoggingConfig: { LogFormat: 'Text', LogGroup: logGroup },
    ...(vpcId === undefined ? {} : { VpcConfig: { VpcId: vpcId, SubnetIds: [], SecurityGroupIds: [] } }),
  };
}

/** By name or by ARN. What is missing in another account is not distinguished from what is not shared. */
function find({ world, caller, name }: Asked, action: string): FunctionSettings {
  const arn = name.startsWith('arn:') ? name : functionArn({ account: caller.account, name }, world.region);
  requireAllowed(caller, `lambda:${action}`, arn, denied);
  const found = world.functions.of(caller.account).find((one) => functionArn(one, world.region) === arn);
  if (found) return found;
  if (arn.split(':')[4] !== caller.account)
    throw new AwsError(
      ...denied,
      `User: ${caller.arn} is not authorized to perform: lambda:${action} on resource: ${arn} because no resource-based policy allows the lambda:${action} action`,
    );
  throw new AwsError(404, 'ResourceNotFoundException', `Function not found: ${arn}`);
}

function list({ world, caller, request }: Asked): Reply {
  requireAllowed(caller, 'lambda:ListFunctions', '*', denied);
  const own = world.functions.of(caller.account);
  const start = Number(parameter(request, 'Marker') ?? 0);
  const end = start + Number(parameter(request, 'MaxItems') ?? 50);
  const page = own.slice(start, end).map((one) => describe(one, world.region));
  return jsonReply(200, { Functions: page, ...(end < own.length ? { NextMarker: String(end) } : {}) });
}

const operations: readonly Operation[] = [
  { name: 'ListFunctions', method: 'GET', path: /^\/2015-03-31\/functions\/?$/, perform: list },
  {
    name: 'GetFunctionConfiguration',
    method: 'GET',
    path: /^\/2015-03-31\/functions\/(.+)\/configuration$/,
    perform: (asked) => jsonReply(200, describe(find(asked, 'GetFunctionConfiguration'), asked.world.region)),
  },
  {
    name: 'GetFunctionConcurrency',
    method: 'GET',
    path: /^\/2019-09-30\/functions\/(.+)\/concurrency$/,
    perform: (asked) =>
      jsonReply(200, {
        ReservedConcurrentExecutions: find(asked, 'GetFunctionConcurrency').reservedConcurrency ?? 1,
      }),
  },
  {
    name: 'GetFunctionEventInvokeConfig',
    method: 'GET',
    path: /^\/2019-09-25\/functions\/(.+)\/event-invoke-config$/,
    perform: (asked) => {
      const settings = find(asked, 'GetFunctionEventInvokeConfig');
      return jsonReply(200, {
        FunctionArn: `${functionArn(settings, asked.world.region)}:$LATEST`,
        MaximumRetryAttempts: settings.maximumRetryAttempts ?? 0,
      });
    },
  },
  {
    name: 'Invoke',
    method: 'POST',
    path: /^\/2015-03-31\/functions\/(.+)\/invocations$/,
    perform: (asked) => invoke(asked.world, find(asked, 'InvokeFunction'), asked.request, asked.text, randomUUID()),
  },
];

export async function serveLambda(world: World, exchange: Exchange): Promise<Reply> {
  const { request, facts } = exchange;
  const operation = operations.find(({ method, path }) => method === request.method && path.test(request.path));
  facts.operation = operation?.name ?? 'Unknown';
  const { caller, text } = await admitJson(world, exchange, 403);
  if (operation === undefined) throw new AwsError(404, 'UnknownOperationException', '');
  const name = (operation.path.exec(request.path)?.[1] ?? '').replace(/:\$LATEST$/, '');
  return operation.perform({ world, caller, request, text, name });
}
