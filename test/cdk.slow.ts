import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  aws_ec2 as ec2,
  aws_kms as kms,
  aws_s3 as s3,
  aws_scheduler as scheduler,
  aws_sns as sns,
  aws_secretsmanager as secretsmanager,
  Duration,
  Stack,
} from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { RestageFunction, RestageSchedule, RestageTask } from '../src/cdk/index.ts';
import { newApp, written, env, network, usualFunction, makeFunction, rightsOf, bundle } from './cdk-scene.ts';

// The constructs of restage/cdk: the function and what is around it.

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
      (stack, made) => {
        new RestageTask(stack, 'Task', { function: made });
        new RestageSchedule(stack, 'Weekly', { run: made });
      },
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

  it('rings when nobody could be asked, for itself alone', async () => {
    const { template } = await makeFunction(
      undefined,
      (stack) => ({ alarms: new sns.Topic(stack, 'Failures') }),
      (stack, run) => {
        new RestageSchedule(stack, 'Weekly', { run });
        new RestageSchedule(stack, 'Daily', { run, event: { action: 'check' } });
      },
    );
    const groups = template.findResources('AWS::Scheduler::ScheduleGroup') as Readonly<
      Record<string, { readonly Properties: { readonly Name: string } }>
    >;
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    const names = Object.values(groups).map(({ Properties: of }) => of.Name);
    expect(names).toHaveLength(2);
    for (const name of names) {
      template.hasResourceProperties('AWS::Scheduler::Schedule', { GroupName: name });
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace: 'AWS/Scheduler',
        MetricName: 'InvocationDroppedCount',
        Dimensions: [{ Name: 'ScheduleGroup', Value: name }],
        Threshold: 1,
        TreatMissingData: 'notBreaching',
        AlarmActions: [{ Ref: topic }],
      });
    }
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
