// BlueMoxon's refresh in AWS: staging's account has the function, production's the role that it reads by.
// `cdk deploy --all` makes staging's stack first, for production's trusts the roles that are made there.
import { join } from 'node:path';
import {
  App,
  aws_ec2 as ec2,
  aws_iam as iam,
  aws_kms as kms,
  aws_s3 as s3,
  aws_scheduler as scheduler,
  aws_secretsmanager as secretsmanager,
  aws_sns as sns,
  CfnOutput,
  Stack,
  TimeZone,
} from 'aws-cdk-lib';
// In a project of your own: from 'restage/cdk'.
import {
  mayCopyFrom,
  mayDecrypt,
  RestageFunction,
  RestageSchedule,
  RestageSourceRole,
  RestageTask,
} from '../../src/cdk/index.ts';

const app = new App();
const config = join(import.meta.dirname, 'restage.yaml');
const region = 'us-west-2';
// The key that production's images are under.
const imagesKey = 'arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-4e5f-4000-8000-000000000001';
const bundle = app.node.tryGetContext('bundle') as string | undefined; // another than the package's own: cdk synth -c bundle=…

const staging = new Stack(app, 'bluemoxon-staging-refresh', { env: { account: '222222222222', region } });

const refresh = new RestageFunction(staging, 'Refresh', {
  config,
  variables: secretsmanager.Secret.fromSecretNameV2(staging, 'Variables', 'bluemoxon-staging/restage'),
  vpc: ec2.Vpc.fromVpcAttributes(staging, 'Vpc', {
    vpcId: 'vpc-0a1b2c3d4e5f60001',
    availabilityZones: ['us-west-2a', 'us-west-2b'],
    privateSubnetIds: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
  }),
  allowTo: [
    { peer: ec2.SecurityGroup.fromSecurityGroupId(staging, 'Database', 'sg-0a1b2c3d4e5f60001') },
    { peer: ec2.Peer.ipv4('10.1.0.0/16') }, // production's VPC, behind the peering
  ],
  sourceBucketKeys: [imagesKey],
  alarms: new sns.Topic(staging, 'Failures'),
  ...(bundle === undefined ? {} : { bundle }),
});

new RestageSchedule(staging, 'Weekly', {
  run: refresh,
  schedule: scheduler.ScheduleExpression.cron({
    weekDay: 'SUN',
    hour: '3',
    minute: '0',
    timeZone: TimeZone.of('America/Los_Angeles'),
  }),
  event: { action: 'sync' },
});

// For the day that 15 minutes, or several times 15 minutes, are too few.
const task = new RestageTask(staging, 'Task', { function: refresh });

// Who refreshes from a laptop: the profile bmx-staging takes this role on.
const people = new iam.Role(staging, 'People', {
  roleName: 'bluemoxon-staging-people',
  assumedBy: new iam.AccountPrincipal(staging.account),
});
refresh.grantUse(people, { objects: true });

const production = new Stack(app, 'bluemoxon-production-source', { env: { account: '111111111111', region } });
production.addStackDependency(staging, 'the roles that are trusted must be there');

const role = (name: string) => `arn:aws:iam::222222222222:role/${name}`;

// The role reads what is under the account's default keys too; under a key of its own the secret is read by nobody else.
const secretKey = new kms.Key(production, 'SecretKey', { alias: 'bluemoxon/secrets', enableKeyRotation: true });

new RestageSourceRole(production, 'Source', {
  config,
  readers: [role(refresh.functionName), role(task.functionName)],
  secretKeys: [secretKey],
});

// S3 copies the images by itself for whoever refreshes from a laptop. Where the bucket has a policy already, add the statement there:
// CloudFormation makes no second one.
const copiers = [role('bluemoxon-staging-people')];
new s3.CfnBucketPolicy(production, 'ImagesMayBeCopied', {
  bucket: 'bluemoxon-images',
  policyDocument: new iam.PolicyDocument({ statements: [mayCopyFrom(production, 'bluemoxon-images', copiers)] }),
});

// The key of the images is not of this app, and its policy is not changed from here.
new CfnOutput(production, 'ImagesKeyStatement', {
  description: `To be added to the policy of ${imagesKey}`,
  value: JSON.stringify(mayDecrypt(production, 's3', copiers).toStatementJson()),
});
