import {
  Annotations,
  aws_iam as iam,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_scheduler as scheduler,
  aws_scheduler_targets as targets,
  Duration,
  RemovalPolicy,
  type aws_cloudwatch as cloudwatch,
  type aws_ec2 as ec2,
  type aws_s3 as s3,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { alarmsOf } from './alarms.ts';
import type { RestageEvent } from './event.ts';
import { functionObstacles, nameOf } from './function-obstacles.ts';
import { configRights, networkRights, runsRights, selfRights, useRights, type RunsPlace } from './function-rights.ts';
import { ownSecurityGroup } from './network.ts';
import { placeOf, secretArn } from './place.ts';
import { placeCode, placedConfig } from './place-code.ts';
import { readConfig, requireClear, type ReadConfig } from './read-config.ts';
import type { RestageFunctionProps } from './restage-function-props.ts';
import { allow, through, type Rights } from './rights.ts';
import { ownRunsBucket, readRuns } from './runs-bucket.ts';
import { databaseRights, sourceRights, type EndKeys } from './source-rights.ts';
import { bucketRights, copyRights } from './target-rights.ts';

/**
 * The function that refreshes staging from inside its VPC, in the target's account, with the rights that its restage.yaml takes and
 * no others. Throws `config-missing`; `config-invalid` with all that is in the way, each with the line to add.
 */
export class RestageFunction extends Construct {
  readonly function: lambda.Function;
  readonly functionName: string;
  readonly role: iam.Role;
  readonly logGroup: logs.LogGroup;
  /** Undefined where runs are kept nowhere. */
  readonly runsBucket: s3.IBucket | undefined;
  readonly vpc: ec2.IVpc | undefined;
  readonly subnets: ec2.SelectedSubnets | undefined;
  readonly securityGroups: readonly ec2.ISecurityGroup[];
  readonly alarms: readonly cloudwatch.Alarm[];
  /** Whom they ring for; false: there are none. */
  readonly alarmsTo: sns.ITopic | false | undefined;
  /** The bundle with its configuration: what a task's image is made of too. */
  readonly codeFolder: string;
  /** What the function and its task have in their environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly architecture: lambda.Architecture;
  readonly logRetention: logs.RetentionDays;
  readonly #read: ReadConfig;
  readonly #props: RestageFunctionProps;

  constructor(scope: Construct, id: string, props: RestageFunctionProps) {
    super(scope, id);
    const read = readConfig(props.config, props.environment);
    requireClear(props.config, `${this.node.path} (RestageFunction)`, functionObstacles(this, read, props));
    const { config } = read;
    this.#read = read;
    this.#props = props;
    this.functionName = nameOf(config.target.lambda?.function) ?? '';
    this.architecture = props.architecture ?? lambda.Architecture.ARM_64;
    this.logRetention = props.logRetention ?? logs.RetentionDays.THREE_MONTHS;
    this.codeFolder = placeCode(this, read, props.bundle);
    this.environment = environmentOf(props);
    this.vpc = props.vpc;
    this.subnets = props.vpc?.selectSubnets(props.vpcSubnets);
    this.securityGroups =
      props.vpc === undefined
        ? []
        : (props.securityGroups ?? [ownSecurityGroup(this, props.vpc, config, props.allowTo)]);
    this.runsBucket = this.#openRuns();
    this.logGroup = new logs.LogGroup(this, 'Log', {
      logGroupName: `/restage/${this.functionName}`,
      retention: this.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      roleName: props.roleName ?? this.functionName,
      description: `What ${this.functionName} may do: refresh ${config.target.name}`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { restage: new iam.PolicyDocument({ statements: [...this.#functionRights()] }) },
    });
    this.function = new lambda.Function(this, 'Function', {
      functionName: this.functionName,
      description: `restage: refreshes ${config.target.name} from ${config.source.name}`,
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(this.codeFolder),
      architecture: this.architecture,
      memorySize: props.memorySize ?? 512,
      timeout: props.timeout ?? Duration.minutes(15),
      // A refresh is never made twice at the same time, and never again by itself.
      reservedConcurrentExecutions: 1,
      retryAttempts: 0,
      maxEventAge: props.maxEventAge ?? Duration.hours(1),
      role: this.role,
      logGroup: this.logGroup,
      environment: { ...this.environment },
      ...(props.vpc === undefined || this.subnets === undefined
        ? {}
        : {
            vpc: props.vpc,
            vpcSubnets: { subnets: this.subnets.subnets },
            securityGroups: [...this.securityGroups],
          }),
    });
    this.alarmsTo = props.alarms;
    this.alarms = props.alarms === false ? [] : alarmsOf(this, this.function, this.functionName, props.alarms);
    this.#tell();
  }

  /** What reading and writing both ends takes, wherever the same code runs: the function's rights, and its task's. */
  rights(): Rights {
    const { config } = this.#read;
    const { objects = false, variables, configAt, configKey } = this.#props;
    const target = placeOf(this, config.target.aws);
    const own = placeOf(this, undefined);
    const keys = this.#keys();
    const role = this.#read.sourceRole?.role;
    const runs = this.#runsPlace();
    const named = variables && [secretArn(own, variables.secretFullArn ?? variables.secretArn)];
    return [
      ...databaseRights(target, 'Target', config.target.database, keys),
      ...bucketRights(target, config, keys, objects),
      ...(objects && role !== undefined
        ? copyRights(placeOf(this, config.source.aws), config, this.#props.sourceBucketKeys)
        : []),
      ...(role === undefined
        ? sourceRights(placeOf(this, config.source.aws), config, keys, objects)
        : allow('SourceRole', ['sts:AssumeRole'], [role])),
      ...allow('Variables', ['secretsmanager:GetSecretValue'], named ?? []),
      ...allow(
        'VariablesKey',
        ['kms:Decrypt'],
        variables ? keyOf(variables, keys) : [],
        through('secretsmanager', own.region),
      ),
      ...configRights(own, configAt, configKey ? [configKey.keyArn] : []),
      ...(runs ? runsRights(target, runs) : []),
    ];
  }

  /**
   * Lets a person, or what stands for one, refresh from the command line: invoke, look at the time-out, follow the run. With `objects`
   * also copy objects into the target's buckets from there.
   */
  grantUse(grantee: iam.IGrantable, { objects = false }: { readonly objects?: boolean } = {}): void {
    const { config } = this.#read;
    const place = placeOf(this, undefined);
    const rights = [
      ...useRights(place, this.functionName, this.#runsPlace()),
      ...(objects
        ? [
            ...bucketRights(placeOf(this, config.target.aws), config, this.#keys(), true),
            ...copyRights(placeOf(this, config.source.aws), config, this.#props.sourceBucketKeys),
          ]
        : []),
    ];
    for (const right of rights) grantee.grantPrincipal.addToPrincipalPolicy(right);
  }

  /** The function as what a schedule invokes. */
  targetOf(event: RestageEvent, settings: targets.ScheduleTargetBaseProps): scheduler.IScheduleTarget {
    return new targets.LambdaInvoke(this.function, {
      ...settings,
      input: scheduler.ScheduleTargetInput.fromObject(event),
    });
  }

  #openRuns(): s3.IBucket | undefined {
    const { runs, keepRuns } = this.#props;
    if (runs === false) return undefined;
    const { bucket } = readRuns(this.#read.config.target.lambda?.runs ?? '');
    return runs ?? ownRunsBucket(this, bucket, keepRuns ?? Duration.days(365));
  }

  #runsPlace(): RunsPlace | undefined {
    const { prefix } = readRuns(this.#read.config.target.lambda?.runs ?? '');
    return (
      this.runsBucket && { bucketArn: this.runsBucket.bucketArn, prefix, keyArn: this.runsBucket.encryptionKey?.keyArn }
    );
  }

  #keys(): EndKeys {
    const { secretKeys = [], bucketKeys = [], databaseResourceId } = this.#props;
    return {
      secretKeys: secretKeys.map((key) => key.keyArn),
      bucketKeys: bucketKeys.map((key) => key.keyArn),
      databaseResourceId,
    };
  }

  #functionRights(): Rights {
    const place = placeOf(this, undefined);
    return [
      ...this.rights(),
      ...(this.runsBucket ? selfRights(place, this.functionName) : []),
      ...allow('Log', ['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]),
      ...(this.subnets
        ? networkRights(place, this.functionName, {
            subnets: this.subnets.subnetIds,
            securityGroups: this.securityGroups.map((group) => group.securityGroupId),
          })
        : []),
    ];
  }

  /** What is no obstacle, and not right either. */
  #tell(): void {
    const { config } = this.#read;
    const warn = (about: string, message: string) => Annotations.of(this).addWarningV2(`restage:${about}`, message);
    for (const [index, { command }] of config.migrate.steps.entries())
      if (command)
        warn(
          `command-${index}`,
          `migrate.steps.${index} runs ${command.run[0]}, which no function has: it fails there. A request (http) does not, nor a task with an image of your own.`,
        );
    for (const name of Object.keys(this.#props.environment ?? {}))
      if (/PASS|SECRET|TOKEN|KEY|HASH|CREDENTIAL/i.test(name))
        warn(
          `environment-${name}`,
          `${name} looks like a secret, and whoever sees the function sees it: put it into \`variables\`.`,
        );
  }
}

function environmentOf({ configAt, variables, environment }: RestageFunctionProps): Readonly<Record<string, string>> {
  return {
    ...environment,
    RESTAGE_CONFIG: configAt ?? `file:${placedConfig}`,
    ...(variables ? { RESTAGE_VARIABLES: variables.secretFullArn ?? variables.secretName } : {}),
  };
}

/** The key of a secret as its construct knows it, else those that are given. */
function keyOf(
  { encryptionKey }: NonNullable<RestageFunctionProps['variables']>,
  { secretKeys }: EndKeys,
): readonly string[] {
  return encryptionKey ? [encryptionKey.keyArn] : secretKeys;
}
