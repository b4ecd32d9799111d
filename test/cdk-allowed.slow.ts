import { aws_kms as kms } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { allowed } from './aws-example.ts';
import {
  sourceRole,
  type Settings,
  network,
  usualFunction,
  makeFunction,
  policyOf,
  rightsOf,
  people,
} from './cdk-scene.ts';

// What the function, and whoever refreshes by hand, may do: no more than a refresh needs.

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
