import { createServer } from 'node:http';
import { GetObjectAclCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from 'vitest';
import { sourceBucket } from '../src/s3/bucket.ts';
import { s3Client } from '../src/s3/client.ts';
import {
  aws,
  countRequests,
  expectAllCopied,
  expectFailed,
  type Pair,
  pairIn,
  pairOf,
  slowDown,
  strike,
} from './objects-scene.ts';
import { startStore } from './store/start.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();
const counted = needs('faults');

beforeEach(async () => {
  await store.aws?.clearFaults();
  await store.aws?.resetRequests();
});

/** Lets the target's principal do these with the keys of this beginning; listing goes with it. */
async function share(
  from: string,
  actions: readonly string[],
  keys = '*',
  effect: 'Allow' | 'Deny' = 'Allow',
  who = store.target,
): Promise<void> {
  const Principal = { AWS: [who.principal] };
  const objects = { Effect: effect, Principal, Action: actions, Resource: [`arn:aws:s3:::${from}/${keys}`] };
  const list = { Effect: 'Allow', Principal, Action: ['s3:ListBucket'], Resource: [`arn:aws:s3:::${from}`] };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [objects, list] });
  await store.source.client.send(new PutBucketPolicyCommand({ Bucket: from, Policy }));
}

async function fill(pair: Pair): Promise<void> {
  for (const key of ['a/1', 'b/2']) await pair.put(key, key, { Tagging: `key=${key}`, Metadata: { of: 'production' } });
}

counted(
  'where a policy lets the target read the source, the store copies by itself, and nothing passes through here',
  async () => {
    const pair = await pairOf({ source: { readableBy: store.target } });
    await fill(pair);
    const { stdout } = await pair.shell.restage('plan');
    expect(stdout).toContain("copied by the store itself: the target's keys may read the source");
    const refreshed = await pair.refresh();
    // The two plans read a byte each to try the way, and nothing else is read.
    expect((await countRequests(pair.from))['GetObject']).toBe(2);
    expect(await countRequests(pair.to)).toMatchObject({ CopyObject: 2 });
    await expectAllCopied(pair, refreshed);
  },
);

counted('where none does, objects are streamed, and the plan says why', async () => {
  const pair = await pairOf();
  await fill(pair);
  const { stdout } = await pair.shell.restage('plan');
  expect(stdout).toContain("through this process: the target's keys may not read the source (AccessDenied)");
  await aws().resetRequests();
  const refreshed = await pair.refresh();
  expect(await countRequests(pair.to)).toMatchObject({ PutObject: 2 });
  expect(await countRequests(pair.to)).not.toHaveProperty('CopyObject');
  await expectAllCopied(pair, refreshed);
});

counted('stream is kept to where the store could copy by itself', async () => {
  const pair = await pairOf({ objects: { route: 'stream' }, source: { readableBy: store.target } });
  await fill(pair);
  await aws().resetRequests();
  const refreshed = await pair.refresh();
  expect(refreshed.planned.objects[0]?.route).toEqual({ kind: 'stream', reason: 'as the config says' });
  expect(await countRequests(pair.to)).toMatchObject({ PutObject: 2 });
  await expectAllCopied(pair, refreshed);
});

test('server is refused where it is not open, with what the policy needs, and nothing is written', async () => {
  const pair = await pairOf({ objects: { route: 'server' } });
  await fill(pair);
  for (const command of [['plan'], ['sync', '--yes']]) {
    const { code, stderr } = await pair.shell.restage(...command);
    expect(code).toBe(1);
    expect(stderr).toContain('AccessDenied');
    expect(stderr).toContain("bucket policy must give s3:GetObject and s3:GetObjectTagging to the target's principal");
  }
  expect(await pair.contents('target')).toEqual({});
});

test('between two stores objects are streamed, and server is refused', async () => {
  await using other = await startStore('the local AWS');
  const [from, to] = [await store.source.createBucket(), await other.target.createBucket()];
  const ends = { ...store, target: other.target };
  const pair = await pairIn(from, to, undefined, ends);
  await other.target.client.send(new PutObjectCommand({ Bucket: to, Key: 'of staging alone', Body: 'staging' }));
  await fill(pair);
  const { stdout } = await pair.shell.restage('plan');
  expect(stdout).toContain('through this process: the buckets are in two stores');
  await expectAllCopied(pair, await pair.refresh());
  const forced = await pairIn(from, to, { route: 'server' }, ends);
  await pair.put('c', 'c');
  const refused = await forced.shell.restage('plan');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('the buckets are in two stores');
});

test('where the target may read objects and not their tags, tagged ones are streamed and arrive with them', async () => {
  const pair = await pairOf();
  await share(pair.from, ['s3:GetObject']);
  await fill(pair);
  await pair.put('untagged', 'x');
  const refreshed = await pair.refresh();
  expect(refreshed.planned.objects[0]?.route?.kind).toBe('server');
  const target = await expectAllCopied(pair, refreshed);
  expect(target['a/1']?.tags).toEqual({ key: 'a/1' });
});

test('where the target may read some objects only, the others are streamed', async () => {
  const pair = await pairOf();
  await share(pair.from, ['s3:GetObject', 's3:GetObjectTagging'], 'a/*');
  await fill(pair);
  const refreshed = await pair.refresh();
  expect(refreshed.planned.objects[0]?.route?.kind).toBe('server');
  await expectAllCopied(pair, refreshed);
});

test('where server is demanded, what the target may not read is named and not streamed', async () => {
  const pair = await pairOf({ objects: { route: 'server' } });
  await share(pair.from, ['s3:GetObject', 's3:GetObjectTagging'], 'a/*');
  await fill(pair);
  const refreshed = await pair.refresh();
  await expectFailed(pair, refreshed, ['b/2']);
  expect(refreshed.failed['b/2']).toContain('AccessDenied');
  expect(Object.keys(await pair.contents('target'))).toEqual(['a/1']);
});

counted('a source whose keys may not read tags: the plan says that objects arrive without them', async () => {
  const pair = await pairOf();
  await share(pair.from, ['s3:GetObjectTagging'], '*', 'Deny', store.source);
  await fill(pair);
  await pair.putParts('parts', [Buffer.from('one part')]);
  const { stdout } = await pair.shell.restage('plan');
  expect(stdout).toContain("the source's keys lack s3:GetObjectTagging, so objects arrive without their tags");
  const { failed, copied } = await pair.refresh();
  expect({ failed, copied: copied?.copied.objects }).toEqual({ failed: {}, copied: 3 });
});

for (const route of ['server', 'stream'] as const) {
  const written = async (settings: { objects?: object; source?: object; target?: object } = {}) => {
    const { objects, target } = settings;
    const pair = await pairOf({
      objects: { route, ...objects },
      source: { readableBy: store.target },
      ...(target ? { target } : {}),
    });
    await pair.put('plain', 'x');
    await pair.put('rare', 'y', { StorageClass: 'ONEZONE_IA' });
    await pair.putParts('parts', [Buffer.from('one part')]);
    await expectAllCopied(pair, await pair.refresh());
    return pair;
  };
  const classes = async (pair: Pair) =>
    Promise.all(['plain', 'rare', 'parts'].map(async (key) => (await pair.head(key)).StorageClass));

  needs('storage-class')(
    `a storage class is STANDARD, each object's own, or the one that is named, by the route ${route}`,
    async () => {
      expect(await classes(await written())).toEqual([undefined, undefined, undefined]);
      expect(await classes(await written({ objects: { storageClass: 'keep' } }))).toEqual([
        undefined,
        'ONEZONE_IA',
        undefined,
      ]);
      expect(await classes(await written({ objects: { storageClass: 'STANDARD_IA' } }))).toEqual([
        'STANDARD_IA',
        'STANDARD_IA',
        'STANDARD_IA',
      ]);
    },
  );

  needs('ownership-controls')(`an ACL is written only where ACLs are on, by the route ${route}`, async () => {
    for (const ownership of ['BucketOwnerEnforced', 'ObjectWriter'] as const) {
      const pair = await pairOf({ objects: { route }, source: { readableBy: store.target }, target: { ownership } });
      const noAcls = {
        Effect: 'Deny',
        Principal: { AWS: [store.target.principal] },
        Action: ['s3:PutObjectAcl'],
        Resource: [`arn:aws:s3:::${pair.to}/*`],
      };
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [noAcls] });
      await store.target.client.send(new PutBucketPolicyCommand({ Bucket: pair.to, Policy }));
      await pair.put('plain', 'x');
      await pair.putParts('parts', [Buffer.from('one part')]);
      const refreshed = await pair.refresh();
      const keeping = refreshed.planned.objects[0]?.keeping;
      if (ownership === 'BucketOwnerEnforced') {
        expect(keeping).toEqual({});
        await expectAllCopied(pair, refreshed);
      } else {
        expect(keeping).toEqual({ acl: 'bucket-owner-full-control' });
        await expectFailed(pair, refreshed, ['plain', 'parts']); // so it was sent
      }
    }
  });

  needs('ownership-controls')(`the ACL that is configured is written, by the route ${route}`, async () => {
    const pair = await written({ objects: { acl: 'public-read' }, target: { ownership: 'ObjectWriter' } });
    for (const key of ['plain', 'parts']) {
      const { Grants } = await store.target.client.send(new GetObjectAclCommand({ Bucket: pair.to, Key: key }));
      expect(JSON.stringify(Grants)).toContain('AllUsers');
    }
  });
}

test('the client of the source sends nothing but GET and HEAD: any other verb is refused before it leaves', async () => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number }; // of a TCP server
  try {
    const settings = {
      bucket: 'b',
      region: 'us-west-2',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 's' }),
      sockets: 1,
    };
    using client = s3Client({ ...settings, access: 'read-only' });
    for (const method of ['PUT', 'POST', 'DELETE'] as const)
      await expect(client.send({ method, bucket: 'b', key: 'k' })).rejects.toThrow('the source is only read');
    expect(requests).toBe(0);
    using source = sourceBucket(settings);
    expect('write' in source).toBe(false);
    await source.head('k');
    expect(requests).toBe(1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

counted(
  'a run with every kind of copy, retry and deletion sends no write with the source’s keys, and none to its bucket',
  async () => {
    const pair = await pairOf({ objects: { delete: { maxPercent: 100 }, backup: 'kept/' } });
    await share(pair.from, ['s3:GetObject', 's3:GetObjectTagging'], 'a/*');
    await fill(pair);
    await pair.putParts('parts', [Buffer.from('one part')]);
    await aws().resetRequests();
    await pair.refresh(() => strike({ operation: 'GetObject' }, { ...slowDown, times: 2 }));
    const { account } = store.source;
    const suspect = (await aws().requests()).filter(
      ({ service, operation, ...request }) =>
        service === 's3' &&
        !/^(Get|Head|List)/.test(operation) &&
        (request.account === account || request.bucket === pair.from),
    );
    expect(suspect).toEqual([]);
    expect(await countRequests(pair.to)).toHaveProperty('DeleteObjects');
  },
);
