import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { requireUnattended } from '../index.ts';
import { differ } from './place.ts';
import {
  namesOf,
  strayFiles,
  unattendedObstacles,
  unknownNames,
  type Obstacle,
  type ReadConfig,
} from './read-config.ts';
import { readRuns } from './runs-bucket.ts';
import type { RestageFunctionProps } from './restage-function-props.ts';

/** All that keeps a function from being made of a configuration, each with the line that mends it. */
export function functionObstacles(
  scope: Construct,
  read: ReadConfig,
  props: RestageFunctionProps,
): readonly Obstacle[] {
  const { config, sourceRole, unset } = read;
  const { source, target } = config;
  const { account } = Stack.of(scope);
  const name = nameOf(target.lambda?.function);
  const found: Obstacle[] = [];
  const say = (is: boolean, message: string, fix?: string) => {
    if (is) found.push({ message, ...(fix === undefined ? {} : { fix }) });
  };
  say(
    target.lambda === undefined,
    'target.lambda is missing: the command line does not know which function it is',
    `Under target add: lambda: { function: ${props.functionName ?? `${target.name}-refresh`}, runs: s3://A-BUCKET-OF-ITS-OWN/runs }`,
  );
  say(
    differ(props.functionName, name),
    `target.lambda.function is ${name}, and the construct's functionName ${props.functionName}`,
    'Leave functionName out: the one of restage.yaml is taken.',
  );
  found.push(...runsObstacles(read, props));
  say(
    target.aws !== undefined && target.aws.account === undefined,
    "target.aws.account is missing: nobody is there to type the target's name, so it must say which account that is",
    `Under target.aws add: account: "${Token.isUnresolved(account) ? '…' : account}"`,
  );
  say(
    differ(target.aws?.account, account),
    `target.aws.account is ${target.aws?.account}, and the stack is for ${account}: the function belongs into the target's account`,
    `Give the stack env: { account: '${target.aws?.account}', region: '${target.aws?.region ?? '…'}' }.`,
  );
  say(
    target.aws?.onLambda?.assumeRole !== undefined,
    "target.aws.onLambda.assumeRole has no use: the function's own role is the target's",
    'Leave it out.',
  );
  say(
    differ(source.aws?.account, target.aws?.account ?? account) && sourceRole === undefined,
    `source.aws leads to account ${source.aws?.account}${source.aws?.profile === undefined ? '' : ` by the profile ${source.aws.profile}`}, which a function does not have: it needs a role there`,
    `Under source.aws add: onLambda: { assumeRole: { role: "arn:aws:iam::${source.aws?.account}:role/restage-source", externalId: ${target.name} } }, and make that role by RestageSourceRole in account ${source.aws?.account}.`,
  );
  say(
    target.database === undefined && props.objects !== true,
    'it names no database, and a function without `objects: true` copies nothing else',
  );
  say(
    target.database?.auth === 'iam' && props.databaseResourceId === undefined,
    'target.database.auth is iam: the policy must name the server by an id of its own, which only RDS knows',
    'Give databaseResourceId: the DbiResourceId or DbClusterResourceId of `aws rds describe-db-instances` or `describe-db-clusters`.',
  );
  say(
    unset.length > 0 && props.variables === undefined,
    `it wants ${unset.join(', ')}, which nothing gives to the function`,
    'Give variables: a secret that holds them as JSON, {"NAME": "text"}; or `environment`, for what is no secret.',
  );
  if (target.aws?.account !== undefined)
    found.push(
      ...unattendedObstacles(() => requireUnattended(config, props.objects === true ? {} : { only: 'database' })),
    );
  found.push(
    ...strayFiles(read),
    ...unknownNames({
      'target.lambda.function': target.lambda?.function,
      'target.lambda.runs': target.lambda?.runs,
      'source.aws.onLambda.assumeRole.role': sourceRole?.role,
      ...namesOf(read, 'source'),
      ...namesOf(read, 'target'),
    }),
  );
  return found;
}

function runsObstacles({ config }: ReadConfig, props: RestageFunctionProps): readonly Obstacle[] {
  const { lambda } = config.target;
  if (lambda === undefined) return [];
  const name = typeof props.runs === 'object' ? props.runs.bucketName : undefined;
  if (lambda.runs === undefined && props.runs !== false)
    return [
      {
        message:
          'target.lambda.runs is missing: without it no run goes on in a second invocation, and none is followed',
        fix: `Under target.lambda add: runs: s3://${name ?? `${nameOf(lambda.function)}-runs`}/runs. Or give the construct runs: false.`,
      },
    ];
  if (lambda.runs !== undefined && props.runs === false)
    return [
      {
        message: `target.lambda.runs is ${lambda.runs}, and the construct is told runs: false`,
        fix: 'Leave out either.',
      },
    ];
  const { bucket } = readRuns(lambda.runs ?? '');
  if (!differ(name, bucket) || lambda.runs === undefined) return [];
  return [
    { message: `target.lambda.runs is in ${bucket}, and the bucket of \`runs\` is ${name}`, fix: 'Name the same one.' },
  ];
}

/** A function may be named by its ARN. */
export function nameOf(named: string | undefined): string | undefined {
  return /^arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)/.exec(named ?? '')?.[1] ?? named;
}
