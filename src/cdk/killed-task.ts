import {
  ArnFormat,
  aws_events as events,
  aws_iam as iam,
  aws_logs as logs,
  RemovalPolicy,
  Stack,
  type aws_cloudwatch as cloudwatch,
  type aws_ecs as ecs,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { triggeredAlarm } from './alarms.ts';

/** What a task ends with that could say what came of it: its metric tells of those. */
const told = [0, 1, 2, 3, 4, 130];

export interface KilledTaskProps {
  /** The family of the task's definitions. */
  readonly family: string;
  readonly cluster: ecs.ICluster;
  readonly logRetention: logs.RetentionDays;
  readonly topic: sns.ITopic | undefined;
}

/**
 * Rings when a task ended without a word: out of memory, killed, or never begun, as its image or a secret could not be had. ECS tells
 * of every task that stops; what it said is kept in a log.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export class KilledTask extends Construct {
  readonly alarm: cloudwatch.Alarm;

  constructor(scope: Construct, id: string, { family, cluster, logRetention, topic }: KilledTaskProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const definitions = stack.formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${family}:` });
    const name = `/aws/events/${family}-killed`;
    const log = new logs.LogGroup(this, 'Log', {
      logGroupName: name,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const rule = new events.Rule(this, 'Rule', {
      ruleName: `${family}-killed`,
      description: `A task of ${family} that ended without a word`,
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change'],
        detail: {
          clusterArn: [cluster.clusterArn],
          taskDefinitionArn: [{ prefix: definitions }],
          lastStatus: ['STOPPED'],
          containers: { exitCode: [{ exists: false }, { 'anything-but': told }] },
        },
      },
    });
    const arn = stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    rule.addTarget({ bind: () => ({ arn, targetResource: log }) });
    log.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: ['events', 'delivery.logs'].map((service) => new iam.ServicePrincipal(`${service}.amazonaws.com`)),
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [log.logGroupArn],
        conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } },
      }),
    );
    this.alarm = triggeredAlarm(this, rule, { name: family, log: name, topic });
  }
}
