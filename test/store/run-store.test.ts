import { PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, failure, openRuns, run, runs, state, useRuns } from './use-runs.ts';
import { needs, store } from './use-store.ts';

useRuns();

test('the deliveries of one event make one run', async () => {
  expect(await runs.runOf('8f5f6a4e', run)).toBe(run);
  expect(await openRuns().runOf('8f5f6a4e', '20260131-031500-0000')).toBe(run);
  expect(await openRuns().runOf('another', '20260131-031500-0000')).toBe('20260131-031500-0000');
});

test.each(['no JSON', '{}', '7', '{"run":"../elsewhere","phase":"ended"}'])(
  '%s that something else has written there is not taken for a run',
  async (text) => {
    const damage = (key: string) =>
      store.target.client.send(new PutObjectCommand({ Bucket: bucket, Key: `our runs/${key}`, Body: text }));
    await damage(`${run}/state.json`);
    await damage('last-runs.json');
    await damage('requests/r1.json');
    for (const ask of [
      () => runs.states.read(run),
      () => runs.states.begin(state()),
      () => runs.lastRuns.read(),
      () => runs.runOf('r1', run),
    ])
      expect(await failure(ask())).toMatchObject({
        code: 'report-invalid',
        message: expect.stringContaining('our runs/'),
      });
  },
);

test('a bucket that does not exist is told with the near one', async () => {
  expect(await failure(openRuns(`s3://${bucket}x/runs`).states.begin(state()))).toMatchObject({
    code: 'bucket-missing',
    message: `there is no bucket ${bucket}x`,
    hint: `The account has a bucket ${bucket}: is that the one?`,
  });
  expect(await failure(openRuns(`s3://${bucket}x/runs`).states.read(run))).toMatchObject({ code: 'bucket-missing' });
});

/** A policy of the bucket that denies its own account these. */
async function deny(...actions: readonly string[]): Promise<void> {
  const statement = (Action: string) => ({
    Effect: 'Deny',
    Principal: '*',
    Action,
    Resource: Action === 's3:ListBucket' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/*`,
  });
  const policy = { Version: '2012-10-17', Statement: actions.map(statement) };
  await store.target.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
}

needs('faults')('an action that is denied is told by its name, with what it is to be allowed on', async () => {
  const who = `arn:aws:iam::${store.target.account}:user/`;
  await deny('s3:PutObject');
  expect(await failure(runs.states.begin(state()))).toMatchObject({
    code: 'bucket-denied',
    message: expect.stringContaining(`s3://${bucket}/our runs/`),
    hint: expect.stringContaining(`Allow s3:PutObject and s3:GetObject on arn:aws:s3:::${bucket}/our runs/* to ${who}`),
  });
  await deny('s3:ListBucket');
  expect(await failure(runs.states.ids())).toMatchObject({
    code: 'bucket-denied',
    message: expect.stringContaining(`s3://${bucket}/our runs/ cannot be listed`),
    hint: expect.stringContaining(`Allow s3:ListBucket on arn:aws:s3:::${bucket} to ${who}`),
  });
  expect(await failure(runs.states.read(run))).toMatchObject({
    code: 'bucket-denied',
    hint: expect.stringContaining(
      `s3:ListBucket on arn:aws:s3:::${bucket}: without it S3 does not say that a file is not there yet`,
    ),
  });
  await store.aws?.inject({
    match: { operation: 'GetObject' },
    kind: 'error',
    status: 403,
    code: 'AccessDenied',
    message: `User: ${who}writer is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${bucket}/our runs/x" because no identity-based policy allows the s3:GetObject action`,
  });
  expect(await failure(runs.states.read(run))).toMatchObject({
    hint: expect.stringMatching(/^Allow s3:GetObject on arn:aws:s3:::\S+ runs\/x to /),
  });
});
