import {
  ArnFormat,
  aws_ecs as ecs,
  aws_iam as iam,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_scheduler_targets as targets,
  CfnOutput,
  Duration,
  RemovalPolicy,
  Stack,
  type aws_scheduler as scheduler,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { RestageError } from '../index.ts';
import { failedAlarm } from './alarms.ts';
import { readEvent, type RestageEvent } from './event.ts';
import { KilledTask } from './killed-task.ts';
import type { RestageFunction } from './restage-function.ts';

export interface RestageTaskProps {
  /** Whose bundle, configuration, network, rights and alarms' topic the task has too. */
  readonly function: RestageFunction;
  /** Default: one of its own, which costs nothing while nothing runs. */
  readonly cluster?: ecs.ICluster;
  /** Another account's trust names it. Default: the function's name and -task. */
  readonly roleName?: string;
  /** 1024 is one. Default: 1024. */
  readonly cpu?: number;
  /** Default: 2048. */
  readonly memoryLimitMiB?: number;
  /** What it does when it is run by hand. Default: { action: 'sync' }. */
  readonly event?: RestageEvent;
}

/** The longest that Fargate waits for a task that it has told to stop: it is time to put back what was there. */
const mostToStop = Duration.seconds(120);

/** The name of the only container, for overrides. */
const container = 'restage';

/** The same refresh as a task of Fargate, which has no time-out. It costs while it runs. Throws `config-invalid`, `event-invalid`. */
export class RestageTask extends Construct {
  readonly taskDefinition: ecs.FargateTaskDefinition;
  readonly cluster: ecs.ICluster;
  readonly role: iam.Role;
  /** As it is called in schedules and outputs. */
  readonly functionName: string;
  /** Whom its alarms ring for; false: there are none. */
  readonly alarmsTo: sns.ITopic | false | undefined;
  readonly #function: RestageFunction;

  constructor(scope: Construct, id: string, props: RestageTaskProps) {
    super(scope, id);
    const { function: of } = props;
    const { vpc } = of;
    if (!vpc)
      throw new RestageError(
        'config-invalid',
        `${this.node.path}: a task runs in a network, and the function has none: give the RestageFunction its vpc`,
      );
    const asked = readEvent(props.event ?? { action: 'sync' }, this.node.path);
    this.#function = of;
    this.alarmsTo = of.alarmsTo;
    this.functionName = `${of.functionName}-task`;
    this.cluster = props.cluster ?? (new ecs.Cluster(this, 'Cluster', { vpc }) as ecs.ICluster); // their types leave out that an optional property may be undefined
    this.role = new iam.Role(this, 'Role', {
      roleName: props.roleName ?? this.functionName,
      description: `What the task of ${of.functionName} may do: the same`,
      assumedBy: tasksOf(this),
      inlinePolicies: { restage: new iam.PolicyDocument({ statements: [...of.rights()] }) },
    });
    this.taskDefinition = new ecs.FargateTaskDefinition(this, 'Task', {
      family: this.functionName,
      cpu: props.cpu ?? 1024,
      memoryLimitMiB: props.memoryLimitMiB ?? 2048,
      taskRole: this.role,
      executionRole: new iam.Role(this, 'ExecutionRole', {
        description: `What ECS needs to begin a task of ${of.functionName}: its image and its log`,
        assumedBy: tasksOf(this),
      }),
      runtimePlatform: {
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
        cpuArchitecture:
          of.architecture.name === lambda.Architecture.ARM_64.name
            ? ecs.CpuArchitecture.ARM64
            : ecs.CpuArchitecture.X86_64,
      },
    });
    this.taskDefinition.addContainer(container, {
      image: ecs.ContainerImage.fromAsset(of.codeFolder, { platform: platformOf(of.architecture) }),
      entryPoint: ['node', 'task.mjs'],
      command: [JSON.stringify(asked)],
      environment: { ...of.environment },
      readonlyRootFilesystem: false,
      stopTimeout: mostToStop,
      logging: ecs.LogDrivers.awsLogs({
        streamPrefix: 'task',
        logGroup: new logs.LogGroup(this, 'Log', {
          logGroupName: `/restage/${this.functionName}`,
          retention: of.logRetention,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      }),
    });
    if (of.alarmsTo !== false) {
      failedAlarm(this, this.functionName, of.alarmsTo);
      new KilledTask(this, 'Killed', {
        family: this.functionName,
        cluster: this.cluster,
        logRetention: of.logRetention,
        topic: of.alarmsTo,
      });
    }
    new CfnOutput(this, 'RunByHand', { value: this.command(), description: 'Refreshes staging by a task' });
  }

  /** What runs it once, for a shell. */
  command(): string {
    const { subnets, securityGroups } = this.#function;
    const network = [
      `subnets=[${(subnets?.subnetIds ?? []).join(',')}]`,
      `securityGroups=[${securityGroups.map((group) => group.securityGroupId).join(',')}]`,
      'assignPublicIp=DISABLED',
    ].join(',');
    return [
      'aws ecs run-task --launch-type FARGATE',
      `--region ${Stack.of(this).region}`,
      `--cluster ${this.cluster.clusterName}`,
      `--task-definition ${this.functionName}`,
      `--network-configuration 'awsvpcConfiguration={${network}}'`,
    ].join(' ');
  }

  /** The task as what a schedule runs. */
  targetOf(event: RestageEvent, settings: targets.ScheduleTargetBaseProps): scheduler.IScheduleTarget {
    const { subnets, securityGroups } = this.#function;
    return new targets.EcsRunFargateTask(this.cluster, {
      ...settings,
      taskDefinition: this.taskDefinition,
      ...(subnets ? { vpcSubnets: { subnets: subnets.subnets } } : {}),
      securityGroups: [...securityGroups],
      assignPublicIp: false,
      input: ScheduleTargetInput.fromObject({
        containerOverrides: [{ name: container, command: [JSON.stringify(event)] }],
      }),
    });
  }
}

/**
 * ECS on behalf of this account's tasks alone.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
 */
function tasksOf(scope: Construct): iam.IPrincipal {
  const stack = Stack.of(scope);
  return new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
    conditions: {
      ArnLike: {
        'aws:SourceArn': stack.formatArn({ service: 'ecs', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME }),
      },
      StringEquals: { 'aws:SourceAccount': stack.account },
    },
  });
}

function platformOf({ name }: lambda.Architecture): Platform {
  return name === lambda.Architecture.ARM_64.name ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;
}
