import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { RestageSchedule, RestageTask } from '../src/cdk/index.ts';
import { exitCodes } from '../src/errors.ts';
import { resolved } from './aws-example.ts';
import { network, makeFunction, policyOf } from './cdk-scene.ts';

// The refresh as a task of Fargate.

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
