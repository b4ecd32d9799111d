import type {
  aws_ec2 as ec2,
  aws_kms as kms,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_s3 as s3,
  aws_secretsmanager as secretsmanager,
  aws_sns as sns,
  Duration,
} from 'aws-cdk-lib';
import type { AllowedTo } from './network.ts';

export interface RestageFunctionProps {
  /** The restage.yaml. What it says is what the function does, and all that it may do. */
  readonly config: string;
  /** Where the function finds it instead of beside its code: s3://bucket/key, ssm:/name. `config` must say the same. */
  readonly configAt?: string;
  /** The KMS key of what `configAt` names, a SecureString or an object, where it is not under the account's default key. */
  readonly configKey?: kms.IKey;
  /** Default: what `target.lambda.function` says. */
  readonly functionName?: string;
  /** The function's role; another account's trust names it. Default: the function's name. */
  readonly roleName?: string;
  /** What `${VAR}` and passwordEnv are read from: a secret with a JSON object of names and texts. */
  readonly variables?: secretsmanager.ISecret;
  /** Variables that are no secrets: whoever may look at the function sees them. */
  readonly environment?: Readonly<Record<string, string>>;

  /** The network that reaches both databases. Without it: none, for databases that are open to the internet. */
  readonly vpc?: ec2.IVpc;
  /** Default: the VPC's private subnets. */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** Default: one of its own. */
  readonly securityGroups?: readonly ec2.ISecurityGroup[];
  /** The databases that its own security group lets it reach, and HTTPS; without it, anything. */
  readonly allowTo?: readonly AllowedTo[];

  /** Whether the function copies objects too, and not the database alone. Default: no. */
  readonly objects?: boolean;
  /**
   * Where runs are kept. Default: a bucket of its own, named as `target.lambda.runs` says. `false`: nowhere; then no run goes on in a
   * second invocation, and none is followed.
   */
  readonly runs?: s3.IBucket | false;
  /** How long runs stay in its own bucket. Default: 365 days. */
  readonly keepRuns?: Duration;
  /** KMS keys of the database's secret and of the variables, where they are not under the account's default key. */
  readonly secretKeys?: readonly kms.IKey[];
  /** KMS keys of the target's buckets, where `objects` are copied. */
  readonly bucketKeys?: readonly kms.IKey[];
  /** ARNs of the KMS keys of the source's buckets, where S3 copies from them by itself. */
  readonly sourceBucketKeys?: readonly string[];
  /** For `target.database.auth: iam`: RDS's own id of the server, db-… or cluster-…. */
  readonly databaseResourceId?: string;

  /** In MiB. Default: 512. */
  readonly memorySize?: number;
  /** Default: 15 minutes, the longest that there is. */
  readonly timeout?: Duration;
  /** Default: ARM_64; the bundle has no native code. */
  readonly architecture?: lambda.Architecture;
  /** How old an event may become that waits for its turn. Default: 1 hour. */
  readonly maxEventAge?: Duration;
  /** Default: 90 days. */
  readonly logRetention?: logs.RetentionDays;
  /** Who hears of a failure; `false`: no alarms. Default: alarms that nobody hears of. */
  readonly alarms?: sns.ITopic | false;
  /** A folder with another bundle than this package's. */
  readonly bundle?: string;
}
