import { aws_kms as kms, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { mayCopyFrom, mayDecrypt, RestageSourceRole } from '../src/cdk/index.ts';
import { allowed, type PolicyDocument, type Template as Plain } from './aws-example.ts';
import { newApp, type Settings, written, env, policyOf, rightsOf } from './cdk-scene.ts';

// What production's account gives: a role that reads, and its own policies.

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
