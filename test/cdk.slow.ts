import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  App,
  aws_ec2 as ec2,
  aws_iam as iam,
  aws_kms as kms,
  aws_s3 as s3,
  aws_scheduler as scheduler,
  aws_secretsmanager as secretsmanager,
  Duration,
  Stack,
} from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  mayCopyFrom,
  mayDecrypt,
  RestageFunction,
  RestageSchedule,
  RestageSourceRole,
  RestageTask,
} from '../src/cdk/index.ts';
import type { RestageFunctionProps } from '../src/cdk/index.ts';
import { exitCodes, failureOf } from '../src/errors.ts';
import {
  allowed,
  policiesOf,
  resolved,
  temporaryFolder,
  writeBundle,
  type PolicyDocument,
  type Template as Plain,
} from './aws-example.ts';

let folder: string;
let bundle: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  bundle = await writeBundle(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sourceRole = { role: 'arn:aws:iam::111111111111:role/reader', externalId: 'staging' };

/** What it makes goes when the tests have ended. */
function newApp(): App {
  apps += 1;
  return new App({ outdir: join(folder, `out-${apps}`) });
}

let apps = 0;

/** A configuration of two accounts, as plain data to be changed. */
function settings() {
  return {
    version: 1,
    source: {
      name: 'production',
      aws: { profile: 'p', region: 'us-west-2', account: '111111111111', onLambda: { assumeRole: sourceRole } },
      database: { secret: 'shop/database' } as object,
      buckets: { images: 'shop-images' } as object | undefined,
    },
    target: {
      name: 'staging',
      aws: { profile: 's', region: 'us-west-2', account: '222222222222' },
      database: { secret: 'staging/database' } as object,
      buckets: { images: 'staging-images' } as object | undefined,
      lambda: { function: 'refresh', runs: 's3://refresh-runs/runs/' } as object | undefined,
    },
    objects: {} as object,
    database: {} as object,
    verify: {} as object,
  };
}

type Settings = ReturnType<typeof settings>;

let files = 0;

async function written(change: (config: Settings) => void = () => undefined): Promise<string> {
  const config = settings();
  change(config);
  files += 1;
  const own = join(folder, String(files));
  await mkdir(own);
  await writeFile(join(own, 'restage.yaml'), stringify(JSON.parse(JSON.stringify(config))));
  return join(own, 'restage.yaml');
}

const env = { account: '222222222222', region: 'us-west-2' };

function network(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['us-west-2a', 'us-west-2b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
}

interface Made {
  readonly stack: Stack;
  readonly made: RestageFunction;
  readonly template: Template;
  readonly plain: Plain;
  readonly policy: PolicyDocument;
}

let usual: Promise<Made> | undefined;

/** The function of the settings as they are: made once. */
function usualFunction(): Promise<Made> {
  return (usual ??= makeFunction());
}

async function makeFunction(
  change?: (config: Settings) => void,
  props: (stack: Stack) => Partial<RestageFunctionProps> = () => ({}),
  more: (stack: Stack, made: RestageFunction) => void = () => undefined,
): Promise<Made> {
  const stack = new Stack(newApp(), 'Staging', { env });
  const config = await written(change);
  const made = new RestageFunction(stack, 'Refresh', { config, bundle, ...props(stack) });
  more(stack, made);
  const template = Template.fromStack(stack);
  const plain = template.toJSON() as Plain;
  return { stack, made, template, plain, policy: policyOf(plain, 'refresh') };
}

function policyOf(plain: Plain, role: string): PolicyDocument {
  const found = policiesOf(plain).get(role);
  if (!found) throw new Error(`no policy of ${role}`);
  return found;
}

function rightsOf(policy: PolicyDocument): Record<string, string[]> {
  return Object.fromEntries(
    allowed(policy).map(({ sid, actions, resources }) => [String(sid), [...actions, ...resources]]),
  );
}

function people(stack: Stack): iam.Role {
  return new iam.Role(stack, 'People', { roleName: 'people', assumedBy: new iam.AccountPrincipal(stack.account) });
}

/** Of what was refused while it was made. */
async function refusal(
  change?: (config: Settings) => void,
  props?: (stack: Stack) => Partial<RestageFunctionProps>,
): Promise<string> {
  const error: unknown = await makeFunction(change, props).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  return failureOf(error).message;
}

describe('the function', () => {
  it('has the runtime, time-out, memory and architecture that a refresh is measured with', async () => {
    const { template } = await usualFunction();
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'refresh',
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 900,
      Environment: { Variables: { RESTAGE_CONFIG: 'file:restage.yaml' } },
    });
  });

  it('runs once at a time, and nothing makes it run again', async () => {
    const { template } = await usualFunction();
    template.hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 1 });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 3600,
    });
  });

  it('keeps its log for 90 days, in a group that no other function writes to', async () => {
    const { template, policy } = await usualFunction();
    template.hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: '/restage/refresh', RetentionInDays: 90 });
    template.hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: Match.anyValue() } });
    expect(rightsOf(policy)['Log']).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'arn:aws:logs:us-west-2:222222222222:log-group:/restage/refresh:*',
    ]);
  });

  it('brings along the bundle, the configuration without its variables, and the files that it names', async () => {
    const config = await written((one) => {
      one.database = { afterLoad: [{ file: 'sql/after.sql' }], masks: { key: '${MASK_KEY}' } };
    });
    await mkdir(join(config, '../sql'));
    await writeFile(join(config, '../sql/after.sql'), 'select 1');
    const stack = new Stack(newApp(), 'Staging', { env });
    const variables = secretsmanager.Secret.fromSecretNameV2(stack, 'Variables', 'staging/variables');
    const { codeFolder } = new RestageFunction(stack, 'Refresh', { config, bundle, variables });
    expect((await readdir(codeFolder)).toSorted()).toEqual([
      'Dockerfile',
      'index.mjs',
      'restage.yaml',
      'sql',
      'task.mjs',
    ]);
    expect(await readFile(join(codeFolder, 'restage.yaml'), 'utf8')).toBe(await readFile(config, 'utf8'));
    expect(await readFile(join(codeFolder, 'restage.yaml'), 'utf8')).toContain('${MASK_KEY}');
    expect(await readFile(join(codeFolder, 'sql/after.sql'), 'utf8')).toBe('select 1');
  });

  it('finds its variables in a secret, and may read that one', async () => {
    const variables = (stack: Stack) => ({
      variables: secretsmanager.Secret.fromSecretNameV2(stack, 'Variables', 'staging/variables'),
      environment: { PLAIN: 'text' },
    });
    const { template, policy } = await makeFunction(undefined, variables);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { RESTAGE_VARIABLES: 'staging/variables', PLAIN: 'text' } },
    });
    expect(rightsOf(policy)['Variables']).toEqual([
      'secretsmanager:GetSecretValue',
      'arn:aws:secretsmanager:us-west-2:222222222222:secret:staging/variables-??????',
    ]);
  });

  it('warns of a secret among the variables that everybody sees', async () => {
    const { stack } = await makeFunction(undefined, () => ({ environment: { API_TOKEN: 'x' } }));
    Annotations.fromStack(stack).hasWarning(
      '/Staging/Refresh',
      Match.stringLikeRegexp('API_TOKEN looks like a secret'),
    );
  });
});

describe('what the function may do', () => {
  it('is each thing on its own resource: no action is `*`, no resource but where EC2 knows no other', async () => {
    const everything = (config: Settings) => {
      config.objects = { images: { delete: { maxCount: 10 }, acl: 'bucket-owner-full-control' } };
      config.target.database = { identifier: 'db', user: 'u', database: 'd', auth: 'iam' };
    };
    const { policy } = await makeFunction(everything, (stack) => ({
      vpc: network(stack),
      objects: true,
      databaseResourceId: 'db-ABC',
      configAt: 'ssm:/restage/config',
      secretKeys: [kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:222222222222:key/k')],
      bucketKeys: [kms.Key.fromKeyArn(stack, 'Other', 'arn:aws:kms:us-west-2:222222222222:key/o')],
    }));
    const open = allowed(policy).filter(({ resources }) => resources.includes('*'));
    expect(open).toEqual([
      {
        sid: 'LambdaSeesInterfaces',
        actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
        resources: ['*'],
      },
    ]);
    expect(
      allowed(policy)
        .flatMap(({ actions }) => actions)
        .filter((action) => action.includes('*')),
    ).toEqual([]);
    const withoutNetwork = allowed(policy).filter(({ sid }) => !sid?.endsWith('Interfaces'));
    for (const { resources } of withoutNetwork)
      for (const arn of resources) expect(arn).toMatch(/^arn:aws:[a-z0-9-]+:[^*]+(\/\*|:\*)?$/);
  });

  it('leaves network interfaces to Lambda: its own code is denied them', async () => {
    const { policy } = await makeFunction(undefined, (stack) => ({ vpc: network(stack) }));
    const makes = allowed(policy).flatMap(({ actions }) => actions.filter((action) => action.startsWith('ec2:')));
    const [denied] = policy.Statement.filter(({ Effect: effect }) => effect === 'Deny');
    expect(denied?.Action).toEqual(expect.arrayContaining(makes));
    expect(denied?.Condition).toEqual({
      ArnEquals: { 'lambda:SourceFunctionArn': 'arn:aws:lambda:us-west-2:222222222222:function:refresh' },
    });
  });

  it('makes interfaces in its own subnets and with its own security group only', async () => {
    const { policy } = await makeFunction(undefined, (stack) => ({ vpc: network(stack) }));
    expect(rightsOf(policy)['LambdaMakesInterfaces']).toEqual([
      'ec2:CreateNetworkInterface',
      'arn:aws:ec2:us-west-2:222222222222:network-interface/*',
      'arn:aws:ec2:us-west-2:222222222222:subnet/subnet-1',
      'arn:aws:ec2:us-west-2:222222222222:subnet/subnet-2',
      'arn:aws:ec2:us-west-2:222222222222:security-group/sg-0a1b2c3d4e5f60002',
    ]);
  });

  it('is, of a database alone, its secret, the source role, its runs, itself and its log', async () => {
    const { policy } = await usualFunction();
    expect(Object.keys(rightsOf(policy))).toEqual(['TargetSecret', 'SourceRole', 'Runs', 'RunFiles', 'GoOn', 'Log']);
    expect(rightsOf(policy)['SourceRole']).toEqual(['sts:AssumeRole', sourceRole.role]);
    expect(rightsOf(policy)['GoOn']).toEqual([
      'lambda:GetFunctionConfiguration',
      'lambda:InvokeFunction',
      'arn:aws:lambda:us-west-2:222222222222:function:refresh',
    ]);
    expect(rightsOf(policy)['RunFiles']).toEqual(['s3:GetObject', 's3:PutObject', 'arn:aws:s3:::refresh-runs/runs/*']);
  });

  it('is to list both buckets where keys that rows name are looked for', async () => {
    const { policy } = await makeFunction((config) => {
      config.verify = { references: [{ column: 'images.key', bucket: 'images' }] };
    });
    expect(rightsOf(policy)['TargetBuckets']).toEqual(['s3:ListBucket', 'arn:aws:s3:::staging-images']);
    expect(rightsOf(policy)['TargetObjects']).toBeUndefined();
  });

  it('is to write objects only where it copies them, and to delete where the configuration deletes', async () => {
    const objects = () => ({ objects: true });
    const { policy } = await makeFunction(undefined, objects);
    expect(rightsOf(policy)['TargetObjects']).toContain('s3:PutObject');
    expect(JSON.stringify(policy)).not.toContain('DeleteObject');
    expect(rightsOf(policy)['SourceObjectsCopied']).toEqual([
      's3:GetObject',
      's3:GetObjectTagging',
      'arn:aws:s3:::shop-images/*',
    ]);
    const deleting = await makeFunction((config) => {
      config.objects = { images: { delete: { maxCount: 10 } } };
    }, objects);
    expect(rightsOf(deleting.policy)['TargetObjectsDeleted']).toEqual([
      's3:DeleteObject',
      'arn:aws:s3:::staging-images/*',
    ]);
  });

  it('is to ask RDS of one server, and to log in as one user', async () => {
    const { policy } = await makeFunction(
      (config) => {
        config.target.database = { identifier: 'shop', user: 'refresh', database: 'shop', auth: 'iam' };
      },
      () => ({ databaseResourceId: 'cluster-ABC' }),
    );
    expect(rightsOf(policy)['TargetDatabase']).toEqual([
      'rds:DescribeDBClusters',
      'rds:DescribeDBInstances',
      'arn:aws:rds:us-west-2:222222222222:cluster:shop',
      'arn:aws:rds:us-west-2:222222222222:db:shop',
    ]);
    expect(rightsOf(policy)['TargetLogin']).toEqual([
      'rds-db:connect',
      'arn:aws:rds-db:us-west-2:222222222222:dbuser:cluster-ABC/refresh',
    ]);
  });

  it('is to decrypt by one service only', async () => {
    const { policy } = await makeFunction(undefined, (stack) => ({
      secretKeys: [kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:222222222222:key/k')],
    }));
    expect(policy.Statement.find(({ Sid: sid }) => sid === 'TargetSecretKey')).toEqual({
      Sid: 'TargetSecretKey',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: 'arn:aws:kms:us-west-2:222222222222:key/k',
      Condition: { StringEquals: { 'kms:ViaService': 'secretsmanager.us-west-2.amazonaws.com' } },
    });
  });

  it('is to read one configuration that is kept elsewhere', async () => {
    const of = async (configAt: string) => rightsOf((await makeFunction(undefined, () => ({ configAt }))).policy);
    expect((await of('ssm:/restage/staging'))['Configuration']).toEqual([
      'ssm:GetParameter',
      'arn:aws:ssm:us-west-2:222222222222:parameter/restage/staging',
    ]);
    // IAM knows no versions.
    expect((await of('ssm:/restage/staging:3'))['Configuration']).toEqual(
      (await of('ssm:/restage/staging'))['Configuration'],
    );
    expect((await of('s3://configs/staging.yaml'))['Configuration']).toEqual([
      's3:GetObject',
      'arn:aws:s3:::configs/staging.yaml',
    ]);
  });

  it.each([
    ['ssm:/restage/staging', 'ssm'],
    ['s3://configs/staging.yaml', 's3'],
  ])('is to decrypt that of %s through %s only', async (configAt, service) => {
    const { policy } = await makeFunction(undefined, (stack) => ({
      configAt,
      configKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:222222222222:key/k'),
    }));
    expect(policy.Statement.find(({ Sid: sid }) => sid === 'ConfigurationKey')).toEqual({
      Sid: 'ConfigurationKey',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: 'arn:aws:kms:us-west-2:222222222222:key/k',
      Condition: { StringEquals: { 'kms:ViaService': `${service}.us-west-2.amazonaws.com` } },
    });
  });

  it('is to read the source itself, where that is of the same account', async () => {
    const { policy } = await makeFunction((config) => {
      config.source.aws = { profile: 'p', region: 'us-west-2', account: '222222222222' } as never;
    });
    expect(rightsOf(policy)['SourceRole']).toBeUndefined();
    expect(rightsOf(policy)['SourceSecret']).toEqual([
      'secretsmanager:GetSecretValue',
      'arn:aws:secretsmanager:us-west-2:222222222222:secret:shop/database-??????',
    ]);
  });
});

describe('its runs', () => {
  it('lie in a bucket that is encrypted, closed, spoken to by TLS only, cleared after a year, and outlives the stack', async () => {
    const { template } = await usualFunction();
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketName: 'refresh-runs',
        BucketEncryption: Match.anyValue(),
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 365 })] },
        VersioningConfiguration: Match.absent(),
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
  });

  it('may lie in a bucket that is there, with its key', async () => {
    const { template, policy } = await makeFunction(undefined, (stack) => ({
      runs: s3.Bucket.fromBucketAttributes(stack, 'Given', {
        bucketName: 'refresh-runs',
        encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:222222222222:key/k'),
      }),
    }));
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(rightsOf(policy)['RunsKey']).toEqual([
      'kms:Decrypt',
      'kms:GenerateDataKey',
      'arn:aws:kms:us-west-2:222222222222:key/k',
    ]);
  });

  it('are nowhere where that is said, and then the function may not call itself', async () => {
    const { template, policy } = await makeFunction(
      (config) => {
        config.target.lambda = { function: 'refresh' };
      },
      () => ({ runs: false }),
    );
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(JSON.stringify(policy)).not.toContain('lambda:InvokeFunction');
  });
});

describe('the network', () => {
  it('opens to the databases that are named and to HTTPS, and to nothing else', async () => {
    const { plain } = await makeFunction(undefined, (stack) => ({
      vpc: network(stack),
      allowTo: [
        { peer: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Database', 'sg-database'), port: 5433 },
        { peer: ec2.Peer.ipv4('10.1.0.0/16') },
      ],
    }));
    const resources = Object.values(plain.Resources);
    const [group] = resources.filter(({ Type: type }) => type === 'AWS::EC2::SecurityGroup');
    const egress = (group?.Properties?.['SecurityGroupEgress'] ?? []) as readonly Record<string, unknown>[];
    expect(egress.map((rule) => [rule['CidrIp'], rule['FromPort'], rule['ToPort']])).toEqual([
      ['10.1.0.0/16', 5432, 5432],
      ['0.0.0.0/0', 443, 443],
    ]);
    const [toGroup] = resources.filter(({ Type: type }) => type === 'AWS::EC2::SecurityGroupEgress');
    expect(toGroup?.Properties).toMatchObject({
      DestinationSecurityGroupId: 'sg-database',
      FromPort: 5433,
      ToPort: 5433,
    });
    const [intoGroup] = resources.filter(({ Type: type }) => type === 'AWS::EC2::SecurityGroupIngress');
    expect(intoGroup?.Properties).toMatchObject({ GroupId: 'sg-database', FromPort: 5433 });
  });

  it('is the one that is given', async () => {
    const { template } = await makeFunction(undefined, (stack) => ({
      vpc: network(stack),
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Own', 'sg-own')],
    }));
    template.hasResourceProperties('AWS::Lambda::Function', {
      VpcConfig: { SecurityGroupIds: ['sg-own'], SubnetIds: ['subnet-1', 'subnet-2'] },
    });
  });
});

describe('alarms', () => {
  it('ring when a refresh fails, the function dies or is stopped, and when something waits in vain', async () => {
    const { template, plain } = await usualFunction();
    const metrics = Object.values(plain.Resources)
      .filter(({ Type: type }) => type === 'AWS::CloudWatch::Alarm')
      .map(({ Properties: of = {} }) => [
        of['Namespace'],
        of['MetricName'],
        of['EvaluationPeriods'],
        of['TreatMissingData'],
      ]);
    expect(metrics).toEqual([
      ['restage', 'Failed', 1, 'notBreaching'],
      ['AWS/Lambda', 'Errors', 1, 'notBreaching'],
      ['AWS/Lambda', 'Throttles', 3, 'notBreaching'],
      ['AWS/Lambda', 'RecursiveInvocationsDropped', 1, 'notBreaching'],
    ]);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'restage',
      Dimensions: [{ Name: 'function', Value: 'refresh' }],
    });
  });

  it('are none where none are wanted', async () => {
    const { template } = await makeFunction(
      undefined,
      (stack) => ({ alarms: false, vpc: network(stack) }),
      (stack, made) => void new RestageTask(stack, 'Task', { function: made }),
    );
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  });
});

describe('a schedule', () => {
  it('asks for a sync, by default on Sundays, and asks once', async () => {
    const { template } = await makeFunction(undefined, undefined, (stack, run) => {
      new RestageSchedule(stack, 'Weekly', { run });
    });
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 3 ? * SUN *)',
      State: 'ENABLED',
      Target: { Input: '{"action":"sync","begunBy":"schedule"}', RetryPolicy: { MaximumRetryAttempts: 0 } },
    });
  });

  it('asks for something else when it is told to', async () => {
    const { template } = await makeFunction(undefined, undefined, (stack, run) => {
      new RestageSchedule(stack, 'Nightly', {
        run,
        schedule: scheduler.ScheduleExpression.rate(Duration.days(1)),
        event: { action: 'verify', sample: true },
      });
    });
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 day)',
      Target: { Input: '{"action":"verify","sample":true}' },
    });
  });

  it('is refused where the function would refuse the event', async () => {
    const asked = makeFunction(undefined, undefined, (stack, run) => {
      new RestageSchedule(stack, 'Weekly', { run, event: { action: 'snyc' as 'sync' } });
    });
    await expect(asked).rejects.toMatchObject({
      code: 'event-invalid',
      message: expect.stringContaining('action: one of check, plan, sync, verify, rollback, status') as unknown,
    });
  });
});

describe('a task', () => {
  it('has the same files, environment and rights to the databases, but none of a function', async () => {
    let task: RestageTask | undefined;
    const { plain, template, policy } = await makeFunction(
      undefined,
      (stack) => ({ vpc: network(stack) }),
      (stack, made) => {
        task = new RestageTask(stack, 'Task', { function: made });
      },
    );
    const own = policyOf(plain, 'refresh-task');
    const common = policy.Statement.filter(
      ({ Sid: sid = '' }) => !/Interfaces$|^GoOn$|^Log$|^ButNotTheCode$/.test(sid),
    );
    expect(own.Statement).toEqual(common);
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Cpu: '1024',
      Memory: '2048',
      RuntimePlatform: { CpuArchitecture: 'ARM64' },
      ContainerDefinitions: [
        Match.objectLike({
          EntryPoint: ['node', 'task.mjs'],
          Command: ['{"action":"sync"}'],
          Environment: [{ Name: 'RESTAGE_CONFIG', Value: 'file:restage.yaml' }],
        }),
      ],
    });
    const command = String(resolved(plain.Outputs?.[Object.keys(plain.Outputs)[0] ?? '']?.Value, plain));
    expect(command).toContain('--task-definition refresh-task');
    expect(command).toContain('subnets=[subnet-1,subnet-2],securityGroups=[sg-0a1b2c3d4e5f60002]');
    expect(task?.functionName).toBe('refresh-task');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'restage',
      MetricName: 'Failed',
      Dimensions: [{ Name: 'function', Value: 'refresh-task' }],
    });
  });

  it('rings when it was killed or never began, by what ECS says of tasks that ended without a word', async () => {
    const { plain, template } = await makeFunction(
      undefined,
      (stack) => ({ vpc: network(stack) }),
      (stack, made) => void new RestageTask(stack, 'Task', { function: made }),
    );
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.ecs'],
        'detail-type': ['ECS Task State Change'],
        detail: {
          lastStatus: ['STOPPED'],
          taskDefinitionArn: [{ prefix: Match.anyValue() }],
          containers: {
            exitCode: [{ exists: false }, { 'anything-but': [0, 1, 2, 3, 4, 130] }],
          },
        },
      },
      Targets: [Match.objectLike({ Arn: Match.anyValue() })],
    });
    expect([0, 1, 2, 3, 4, 130]).toEqual(expect.arrayContaining(Object.values(exitCodes)));
    const [rule] = Object.entries(plain.Resources).filter(([, { Type: type }]) => type === 'AWS::Events::Rule');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/Events',
      MetricName: 'TriggeredRules',
      Dimensions: [{ Name: 'RuleName', Value: { Ref: rule?.[0] } }],
      TreatMissingData: 'notBreaching',
    });
    const kept = Object.values(plain.Resources).find((one) => one.Type === 'AWS::Logs::ResourcePolicy');
    expect(JSON.stringify(kept?.Properties)).toContain('aws:SourceArn');
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ StopTimeout: 120 })],
    });
  });

  it('lends its roles to ECS for tasks of its own account only', async () => {
    const { plain } = await makeFunction(
      undefined,
      (stack) => ({ vpc: network(stack) }),
      (stack, made) => {
        new RestageTask(stack, 'Task', { function: made });
      },
    );
    const ofTasks = Object.values(plain.Resources).filter((one) =>
      JSON.stringify(one.Properties?.['AssumeRolePolicyDocument'] ?? '').includes('ecs-tasks'),
    );
    expect(ofTasks).toHaveLength(2);
    for (const role of ofTasks)
      expect(resolved(role.Properties?.['AssumeRolePolicyDocument'], plain)).toMatchObject({
        Statement: [
          {
            Action: 'sts:AssumeRole',
            Principal: { Service: 'ecs-tasks.amazonaws.com' },
            Condition: {
              ArnLike: { 'aws:SourceArn': 'arn:aws:ecs:us-west-2:222222222222:*' },
              StringEquals: { 'aws:SourceAccount': '222222222222' },
            },
          },
        ],
      });
  });

  it('may be what a schedule runs', async () => {
    const { template } = await makeFunction(
      undefined,
      (stack) => ({ vpc: network(stack) }),
      (stack, made) => {
        new RestageSchedule(stack, 'Weekly', { run: new RestageTask(stack, 'Task', { function: made }) });
      },
    );
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      Target: {
        EcsParameters: Match.objectLike({ LaunchType: 'FARGATE' }),
        Input:
          '{"containerOverrides":[{"name":"restage","command":["{\\"action\\":\\"sync\\",\\"begunBy\\":\\"schedule\\"}"]}]}',
        RetryPolicy: { MaximumRetryAttempts: 0 },
      },
    });
  });

  it('needs a network', async () => {
    const made = makeFunction(undefined, undefined, (stack, of) => {
      new RestageTask(stack, 'Task', { function: of });
    });
    await expect(made).rejects.toMatchObject({
      message: expect.stringContaining('give the RestageFunction its vpc') as unknown,
    });
  });
});

describe('whoever refreshes by hand', () => {
  it('may invoke, look at the time-out and read runs, and copy objects only when that is said', async () => {
    const using = async (objects: boolean) => {
      const { plain } = await makeFunction(undefined, undefined, (stack, made) => {
        made.grantUse(people(stack), { objects });
      });
      return rightsOf(policyOf(plain, 'people'));
    };
    expect(await using(false)).toEqual({
      Refresh: [
        'lambda:GetFunctionConfiguration',
        'lambda:InvokeFunction',
        'arn:aws:lambda:us-west-2:222222222222:function:refresh',
      ],
      Runs: ['s3:ListBucket', 'arn:aws:s3:::refresh-runs'],
      RunFiles: ['s3:GetObject', 'arn:aws:s3:::refresh-runs/runs/*'],
    });
    expect((await using(true))['TargetObjects']).toContain('s3:PutObject');
  });
});

describe('the source role', () => {
  async function makeRole(
    change?: (config: Settings) => void,
    props: (stack: Stack) => object = () => ({}),
  ): Promise<{ readonly plain: Plain; readonly policy: PolicyDocument }> {
    const stack = new Stack(newApp(), 'Production', { env: { account: '111111111111', region: 'us-west-2' } });
    const config = await written(change);
    const readers = ['arn:aws:iam::222222222222:role/refresh'];
    new RestageSourceRole(stack, 'Source', { config, readers, ...props(stack) });
    const plain = Template.fromStack(stack).toJSON() as Plain;
    return { plain, policy: policyOf(plain, 'reader') };
  }

  it('is trusted to the function alone, with the external id', async () => {
    const { plain } = await makeRole();
    const [role] = Object.values(plain.Resources).filter(({ Type: type }) => type === 'AWS::IAM::Role');
    expect(role?.Properties?.['AssumeRolePolicyDocument']).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { AWS: 'arn:aws:iam::222222222222:role/refresh' },
          Condition: { StringEquals: { 'sts:ExternalId': 'staging' } },
        },
      ],
    });
  });

  it('reads, whatever it is given: every action of it is one that changes nothing', async () => {
    const { policy } = await makeRole(
      (config) => {
        config.source.database = { identifier: 'shop', user: 'reader', database: 'shop', auth: 'iam' };
        config.verify = { references: [{ column: 'images.key', bucket: 'images' }] };
      },
      (stack) => ({
        objects: true,
        databaseResourceId: 'cluster-ABC',
        bucketKeys: [kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:111111111111:key/k')],
      }),
    );
    const actions = allowed(policy).flatMap((one) => one.actions);
    expect(actions.toSorted()).toEqual([
      'kms:Decrypt',
      'rds-db:connect',
      'rds:DescribeDBClusters',
      'rds:DescribeDBInstances',
      's3:GetObject',
      's3:GetObjectTagging',
      's3:ListBucket',
    ]);
    expect(allowed(policy).flatMap(({ resources }) => resources)).not.toContain('*');
  });

  it('reads, of a database alone, its secret and nothing else', async () => {
    const { policy } = await makeRole();
    expect(rightsOf(policy)).toEqual({
      SourceSecret: [
        'secretsmanager:GetSecretValue',
        'arn:aws:secretsmanager:us-west-2:111111111111:secret:shop/database-??????',
      ],
    });
  });

  it('is refused in another account than its own, and without somebody who takes it on', async () => {
    const stack = new Stack(newApp(), 'Wrong', { env });
    const config = await written();
    expect(() => new RestageSourceRole(stack, 'Source', { config, readers: [] })).toThrow(
      /role is of account 111111111111, and the stack is for 222222222222[^]*readers is empty/,
    );
  });
});

describe('what production adds to its own policies', () => {
  it('lets S3 copy from one bucket, and one service decrypt', () => {
    const stack = new Stack(newApp(), 'Production', { env: { account: '111111111111', region: 'us-west-2' } });
    const copiers = ['arn:aws:iam::222222222222:role/people'];
    expect(stack.resolve(mayDecrypt(stack, 's3', copiers).toStatementJson())).toEqual({
      Sid: 'RestageMayDecrypt',
      Effect: 'Allow',
      Principal: { AWS: copiers[0] },
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': 's3.us-west-2.amazonaws.com' } },
    });
    expect(stack.resolve(mayCopyFrom(stack, 'shop-images', copiers).toStatementJson())).toMatchObject({
      Action: ['s3:GetObject', 's3:GetObjectTagging'],
      Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::shop-images/*']] },
    });
  });
});

describe('what is in the way is told where templates are made, with the line that mends it', () => {
  it('no configuration', async () => {
    const none = (stack: Stack) => new RestageFunction(stack, 'Refresh', { config: '/nowhere/restage.yaml', bundle });
    expect(() => none(new Stack(newApp(), 'Staging'))).toThrow(/there is no \/nowhere\/restage.yaml.*restage init/);
  });

  it('a configuration that is wrong, with its lines', async () => {
    expect(await refusal((config) => void ((config.target as Record<string, unknown>)['bukets'] = {}))).toMatch(
      /restage\.yaml:\d+ {2}target\.bukets: unknown key; did you mean buckets\?/,
    );
  });

  it('no bundle', async () => {
    expect(await refusal(undefined, () => ({ bundle: folder }))).toContain('no index.mjs');
  });

  it('no function in it', async () => {
    expect(await refusal((config) => void (config.target.lambda = undefined))).toMatch(
      /target\.lambda is missing.*\n.*lambda: \{ function: staging-refresh/,
    );
  });

  it('another name of the function', async () => {
    expect(await refusal(undefined, () => ({ functionName: 'other' }))).toMatch(
      /target\.lambda\.function is refresh, and the construct's functionName other/,
    );
  });

  it('no place for runs', async () => {
    expect(await refusal((config) => void (config.target.lambda = { function: 'refresh' }))).toContain(
      'Under target.lambda add: runs: s3://refresh-runs/runs. Or give the construct runs: false.',
    );
  });

  it('a source in another account without a role', async () => {
    const message = await refusal((config) => {
      config.source.aws = { profile: 'p', region: 'us-west-2', account: '111111111111' } as never;
    });
    expect(message).toContain(
      'source.aws leads to account 111111111111 by the profile p, which a function does not have',
    );
    expect(message).toContain('onLambda: { assumeRole: { role: "arn:aws:iam::111111111111:role/restage-source"');
  });

  it('a stack of another account than the target', async () => {
    expect(await refusal((config) => void (config.target.aws.account = '333333333333'))).toContain(
      'target.aws.account is 333333333333, and the stack is for 222222222222',
    );
  });

  it('a target that nobody says the account of: a function cannot be asked', async () => {
    expect(await refusal((config) => void Reflect.deleteProperty(config.target.aws, 'account'))).toContain(
      'Under target.aws add: account: "222222222222"',
    );
  });

  it('a database that is named by its host, which could be any', async () => {
    const variables = (stack: Stack) => ({ variables: secretsmanager.Secret.fromSecretNameV2(stack, 'V', 'v') });
    const message = await refusal((config) => {
      config.target.database = { host: 'db.internal', user: 'u', database: 'd', passwordEnv: 'PASSWORD' };
    }, variables);
    expect(message).toMatch(
      /nobody is there to type.*\n\s+Add to restage\.yaml: target: \{ expect: \{ host: "db.internal" \} \}/,
    );
    expect(message).not.toContain('--yes');
  });

  it('variables that nothing gives', async () => {
    expect(await refusal((config) => void (config.database = { masks: { key: '${MASK_KEY}' } }))).toContain(
      'it wants MASK_KEY, which nothing gives to the function',
    );
  });

  it('a name that is a variable', async () => {
    const change = (config: Settings) => void (config.target.database = { secret: '${STAGE}/database' });
    const variables = (stack: Stack) => ({ variables: secretsmanager.Secret.fromSecretNameV2(stack, 'V', 'v') });
    expect(await refusal(change, variables)).toContain(
      'target.database.secret holds a variable that is not known here',
    );
    const { policy } = await makeFunction(change, () => ({ environment: { STAGE: 'green' } }));
    expect(rightsOf(policy)['TargetSecret']?.[1]).toContain('secret:green/database-??????');
  });

  it('a file outside of its folder, and one that is not there', async () => {
    const message = await refusal((config) => {
      config.database = { afterLoad: [{ file: '../after.sql' }, { file: 'missing.sql' }] };
    });
    expect(message).toMatch(/after\.sql, and the function has only what is below its own folder/);
    expect(message).toContain('it names missing.sql, and there is no such file');
  });

  it('a file by its whole path, which the function does not have', async () => {
    const file = join(folder, `${files + 1}`, 'after.sql');
    const change = (config: Settings) => void (config.database = { afterLoad: [{ file }] });
    expect(await refusal(change)).toContain(`it names ${file}, and the function has only what is below its own folder`);
  });

  it('a login by IAM without the id that a policy needs', async () => {
    expect(
      await refusal((config) => {
        config.target.database = { identifier: 'shop', user: 'u', database: 'd', auth: 'iam' };
      }),
    ).toContain('Give databaseResourceId');
  });
});
