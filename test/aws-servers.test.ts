import { describe, expect, test } from 'vitest';
import { readFunction } from '../src/aws/lambda.ts';
import { listDatabases, listFunctions, listSecrets } from '../src/aws/listing.ts';
import { readDatabaseServer } from '../src/aws/rds.ts';
import { listBuckets } from '../src/s3/list-buckets.ts';
import { findFreePort } from '../demo/free-port.ts';
import { local, production, staging } from './local-aws-fixture.ts';
import { account, failure, putSecret, region, useServers } from './servers-fixture.ts';

useServers();
const gibibyte = 1024 ** 3;

async function deny(...operations: readonly string[]): Promise<void> {
  for (const operation of operations)
    await local.inject({
      match: { operation },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: `User: ${account.arn} is not authorized to perform: ${operation}`,
    });
}

describe('an identifier', () => {
  test('of a cluster gives the endpoint that writes, before an instance of the name', async () => {
    expect(await readDatabaseServer(account, 'shop')).toMatchObject({
      kind: 'cluster',
      host: 'shop.example.com',
      port: 5440,
      engine: 'aurora-postgresql',
      isAurora: true,
      isReplica: false,
      allocatedBytes: undefined,
      hasIamLogin: true,
    });
  });

  test('of an instance gives its endpoint and what it is', async () => {
    expect(await readDatabaseServer(account, 'shop-staging')).toEqual({
      identifier: 'shop-staging',
      kind: 'instance',
      host: 'shop-staging.example.com',
      port: 5440,
      engine: 'postgres',
      engineVersion: '16.4',
      status: 'available',
      isAurora: false,
      allocatedBytes: 20 * gibibyte,
      isReplica: false,
      database: 'shopdb',
      hasIamLogin: false,
    });
    expect(await readDatabaseServer(account, 'replica')).toMatchObject({ isReplica: true });
  });

  test('that is unknown is told with the near one', async () => {
    expect(await failure(readDatabaseServer(account, 'shop-stagin'))).toMatchObject({
      code: 'identifier-missing',
      message: `RDS has no instance and no cluster shop-stagin (account ${staging.id}, ${region})`,
      hint: 'The account has shop-staging: is that the one?',
    });
  });

  test('that may not be asked for is told with the actions to allow', async () => {
    await deny('DescribeDBClusters', 'DescribeDBInstances');
    expect(await failure(readDatabaseServer(account, 'shop'))).toMatchObject({
      code: 'rds-denied',
      message: expect.stringContaining('is not authorized to perform: DescribeDB'),
      hint: `Allow rds:DescribeDBInstances and rds:DescribeDBClusters to ${account.arn}; or give host and port instead of identifier.`,
    });
  });

  test('of an instance is found where only clusters are refused', async () => {
    await deny('DescribeDBClusters');
    expect(await readDatabaseServer(account, 'shop-staging')).toMatchObject({ kind: 'instance' });
    expect(await failure(readDatabaseServer(account, 'nothing'))).toMatchObject({ code: 'rds-denied' });
  });

  test('at an RDS that is not there is told by its address', async () => {
    const rds = `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
    expect(await failure(readDatabaseServer({ ...account, endpoints: { rds } }, 'shop'))).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringContaining(`cannot reach ${rds}: `),
    });
  });
});

describe('a function', () => {
  test('tells of itself', async () => {
    const facts = {
      name: 'shop-sync',
      timeoutSeconds: 300,
      memoryBytes: 512 * 1024 ** 2,
      state: 'Active',
      vpcId: 'vpc-1',
    };
    const found = await readFunction(account, 'shop-sync');
    expect(found).toMatchObject(facts);
    expect(await readFunction(account, found.arn ?? '')).toEqual(found);
  });

  test('that is missing is told with the near one', async () => {
    expect(await failure(readFunction(account, 'shop-snc'))).toMatchObject({
      code: 'lambda-missing',
      message: `the function shop-snc (account ${staging.id}, ${region}) does not exist`,
      hint: 'The account has a function shop-sync: is that the one?',
    });
  });

  test('that may not be looked at is told with the action to allow', async () => {
    const arn = `arn:aws:lambda:us-east-1:${production.id}:function:theirs`;
    expect(await failure(readFunction(account, arn))).toMatchObject({
      code: 'lambda-denied',
      message: expect.stringContaining('no resource-based policy allows'),
      hint: `Allow lambda:GetFunctionConfiguration on it to ${account.arn}.`,
    });
  });
});

describe('what an account has', () => {
  test('is listed by kind, page by page', async () => {
    for (let number = 0; number < 60; number += 1)
      await local.putFunction({ account: staging.id, name: `f-${number}` });
    const functions = await listFunctions(account);
    expect([functions.found.length, functions.lacking]).toEqual([61, undefined]);
    expect(functions.found[0]).toEqual({ name: 'shop-sync', timeoutSeconds: 300, memoryBytes: 512 * 1024 ** 2 });
    const databases = await listDatabases(account);
    expect(databases.found.map(({ kind, identifier }) => `${kind} ${identifier}`).slice(0, 3)).toEqual([
      'cluster shop',
      'instance shop',
      'instance shop-staging',
    ]);
    await putSecret({});
    const secrets = await listSecrets(account);
    expect(secrets.found.map(({ name }) => name)).toEqual(['shop/login']);
    await local.createBucket({ name: 'theirs', account: staging.id });
    const credentials = () => account.keys();
    const buckets = await listBuckets({ region, endpoint: local.endpoint, credentials });
    expect(buckets).toEqual({ found: ['theirs'], lacking: undefined });
  });

  test('and may not be listed is told in words', async () => {
    await deny('ListFunctions', 'DescribeDBClusters', 'ListSecrets', 'ListBuckets');
    expect((await listFunctions(account)).lacking).toMatch(
      /not authorized to perform: ListFunctions.*it takes lambda:/,
    );
    const databases = await listDatabases(account);
    expect(databases.lacking).toMatch(/it takes rds:DescribeDBClusters/);
    expect(databases.found.map(({ identifier }) => identifier)).toContain('shop-staging');
    expect((await listSecrets(account)).lacking).toMatch(/it takes secretsmanager:ListSecrets/);
    const credentials = () => account.keys();
    const buckets = await listBuckets({ region, endpoint: local.endpoint, credentials });
    expect(buckets).toEqual({ found: [], lacking: expect.stringContaining('it takes s3:ListAllMyBuckets') });
  });
});
