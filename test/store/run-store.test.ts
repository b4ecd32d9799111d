import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { GetObjectCommand, ListObjectsV2Command, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from 'vitest';
import type { Account } from '../../src/aws/account.ts';
import type { RunState } from '../../src/remote/run-state.ts';
import { openRunStore, type RunStore } from '../../src/remote/run-store.ts';
import { needs, store, useStore } from './use-store.ts';

useStore();

const run = '20260131-031500-4f2a';
let bucket: string;
let runs: RunStore;
beforeEach(async () => {
  await store.aws?.clearFaults();
  bucket = await store.target.createBucket();
  runs = open();
});

/** As another invocation would: it knows nothing of what this one holds. */
const open = (place = `s3://${bucket}/our runs/`, account: Partial<Account> = {}) =>
  openRunStore({ ...accountOf(), ...account }, place);

function accountOf(): Account {
  const { region, endpoint, account, principal, accessKeyId, secretAccessKey } = store.target;
  const arn = principal.startsWith('arn:aws:iam::') ? principal : undefined;
  return {
    name: 'the keys',
    region,
    id: account,
    arn,
    endpoints: { s3: endpoint },
    renewal: '',
    flags: '',
    keys: async () => ({ accessKeyId, secretAccessKey }),
  };
}

const state = (more: Partial<RunState> = {}): RunState => ({
  run,
  phase: 'planning',
  part: 1,
  function: { name: 'shop-sync', requestId: 'r1', memoryBytes: 1 },
  startedAt: '2026-01-31T03:15:00.000Z',
  updatedAt: '2026-01-31T03:15:00.000Z',
  deadline: '2026-01-31T03:30:00.000Z',
  pieces: 0,
  ...more,
});

const second = state({ function: { name: 'shop-sync', requestId: 'r2', memoryBytes: 1 } });

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

async function keys(): Promise<readonly (string | undefined)[]> {
  const { Contents = [] } = await store.target.client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => Key);
}

test('a run is begun once: whoever comes second is given the state of the first', async () => {
  expect(await runs.begin(state())).toBeUndefined();
  expect(await open().begin(second)).toEqual(state());
  expect(await open().read(run)).toEqual(state());
  expect(await open().read('20260131-031500-0000')).toBeUndefined();
});

test('of many that begin a run at the same time one does, and all others are given its state', async () => {
  const told = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const mine = state({ function: { name: 'shop-sync', requestId: `r${index}`, memoryBytes: 1 } });
      return { mine, there: await open().begin(mine) };
    }),
  );
  const [first, ...more] = told.filter(({ there }) => there === undefined);
  expect(more).toEqual([]);
  for (const { there } of told) if (there) expect(there).toEqual(first?.mine);
});

test('a run that others look at is written on by whoever has begun it', async () => {
  await runs.begin(state());
  const running = state({ phase: 'running', pieces: 3 });
  await runs.write(running);
  expect(await open().read(run)).toEqual(running);
  await runs.read(run);
  await Promise.all([runs.write(state({ pieces: 4 })), runs.write(state({ pieces: 5 }))]);
  expect(await open().read(run)).toMatchObject({ pieces: 5 });
});

test('a run that is paused is taken on by one of those that want to; the others, and the one before, are refused', async () => {
  const paused = state({ phase: 'paused' });
  await runs.begin(state());
  await runs.write(paused);
  const others = [open(), open(), open(), open()];
  for (const other of others) expect(await other.read(run)).toEqual(paused);
  const next = (part: number) => state({ phase: 'running', part });
  const took = await Promise.all(others.map((other, index) => other.take(paused, next(index + 2))));
  expect(took.filter(Boolean)).toHaveLength(1);
  const winner = took.indexOf(true);
  expect(await open().read(run)).toEqual(next(winner + 2));
  await others[winner]?.write(next(9));
  expect(await failure(runs.write(state({ phase: 'ended' })))).toMatchObject({
    code: 'run-in-progress',
    message: `the run ${run} has been taken on by another invocation`,
  });
  expect(await open().read(run)).toEqual(next(9));
});

test('a state that somebody has written since is not taken on, though it was read again meanwhile', async () => {
  await runs.begin(state());
  const other = open();
  const known = await other.read(run);
  await runs.write(state({ phase: 'running' }));
  await other.read(run);
  expect(await other.take(known ?? state(), state({ part: 2 }))).toBe(false);
  expect(await open().take(state({ phase: 'running' }), state({ part: 2 }))).toBe(true); // one that has read nothing yet
  expect(await open().take(state({ phase: 'running' }), state({ part: 3 }))).toBe(false);
  expect(await open().take(state({ run: '20260131-031500-0000' }), state({ run: '20260131-031500-0000' }))).toBe(false);
});

test('a run that is neither begun nor taken on is not written', async () => {
  await runs.begin(state());
  const other = open();
  await other.read(run);
  expect(await failure(other.write(second))).toMatchObject({ code: 'internal' });
  expect(await open().read(run)).toEqual(state());
});

test('the deliveries of one event make one run', async () => {
  expect(await runs.runOf('8f5f6a4e', run)).toBe(run);
  expect(await open().runOf('8f5f6a4e', '20260131-031500-0000')).toBe(run);
  expect(await open().runOf('another', '20260131-031500-0000')).toBe('20260131-031500-0000');
});

test('progress, plan and report are kept under the run, and what is not there yet is undefined', async () => {
  const other = open();
  expect(await other.readEvents(run, 1)).toBeUndefined();
  expect(await other.fetch(run, 'report.json')).toBeUndefined();
  await runs.addEvents(run, 1, '{"kind":"a"}\n{"kind":"b"}\n');
  await runs.addEvents(run, 12, 'é\n');
  const large = `<p>${'größer '.repeat(400_000)}</p>`;
  expect(runs.place).toBe(`s3://${bucket}/our runs`);
  expect(await runs.keep(run, 'report.html', large)).toBe(`s3://${bucket}/our runs/${run}/report.html`);
  await runs.keep(run, 'report.json', '{}');
  expect(await other.readEvents(run, 1)).toBe('{"kind":"a"}\n{"kind":"b"}\n');
  expect(await other.readEvents(run, 12)).toBe('é\n');
  expect(await other.fetch(run, 'report.html')).toBe(large);
  expect(await keys()).toEqual([
    `our runs/${run}/events/000001.ndjson`,
    `our runs/${run}/events/000012.ndjson`,
    `our runs/${run}/report.html`,
    `our runs/${run}/report.json`,
  ]);
  const { ContentType } = await store.target.client.send(
    new GetObjectCommand({ Bucket: bucket, Key: `our runs/${run}/report.html` }),
  );
  expect(ContentType).toBe('text/html; charset=utf-8');
});

test('a bucket as a whole is a place too', async () => {
  const whole = open(`s3://${bucket}`);
  await whole.begin(state());
  expect(await whole.keep(run, 'plan.json', '{}')).toBe(`s3://${bucket}/${run}/plan.json`);
  expect(await keys()).toEqual(expect.arrayContaining([`${run}/plan.json`, `${run}/state.json`]));
});

test('the last runs are kept, newest first, also where several end at the same time, and where junk has stood', async () => {
  const last = (day: number) => ({
    run: `r${day}`,
    endedAt: `2026-01-0${day}T00:00:00.000Z`,
    from: 's3://b/report.json',
    buckets: [],
  });
  expect(await runs.lastRuns()).toEqual([]);
  await store.target.client.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'our runs/last-runs.json', Body: '{"run"' }),
  );
  expect(await runs.addLastRun(last(1))).toMatch(/last-runs\.json is no list of runs: it was written anew/);
  expect(await runs.addLastRun(last(1))).toBeUndefined();
  await Promise.all([2, 3, 4].map((day) => open().addLastRun(last(day))));
  expect((await runs.lastRuns()).map((one) => one.run)).toEqual(['r4', 'r3', 'r2', 'r1']);
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
      () => runs.read(run),
      () => runs.begin(state()),
      () => runs.lastRuns(),
      () => runs.runOf('r1', run),
    ])
      expect(await failure(ask())).toMatchObject({
        code: 'report-invalid',
        message: expect.stringContaining('our runs/'),
      });
  },
);

test('a bucket that does not exist is told with the near one', async () => {
  expect(await failure(open(`s3://${bucket}x/runs`).begin(state()))).toMatchObject({
    code: 'bucket-missing',
    message: `there is no bucket ${bucket}x`,
    hint: `The account has a bucket ${bucket}: is that the one?`,
  });
  expect(await failure(open(`s3://${bucket}x/runs`).read(run))).toMatchObject({ code: 'bucket-missing' });
});

test("a write whose answer is lost counts, and is not met as somebody else's", async () => {
  await using front = await startFront({});
  const other = open(`s3://${bucket}/our runs`, { endpoints: { s3: front.endpoint } });
  await other.runOf('r0', run); // the store's conditions are tried with the first write
  front.loseAnswers(1);
  expect(await other.begin(state())).toBeUndefined();
  front.loseAnswers(1);
  await other.write(state({ pieces: 1 }));
  front.loseAnswers(1);
  expect(await other.take(state({ pieces: 1 }), state({ pieces: 2 }))).toBe(true);
  front.loseAnswers(5); // all tries
  expect(await failure(other.write(state({ pieces: 3 })))).toMatchObject({ code: 'aws-unreachable' });
  await other.write(state({ pieces: 4 }));
  expect(await open().read(run)).toEqual(state({ pieces: 4 }));
});

needs('faults')('a conflict with another write, and a store that is busy, are tried again', async () => {
  for (const [status, code] of [
    [409, 'ConditionalRequestConflict'],
    [503, 'SlowDown'],
  ] as const) {
    await store.aws?.inject({
      match: { operation: 'PutObject' },
      kind: 'error',
      status,
      code,
      message: 'again, please',
      times: 2,
    });
    expect(await open(`s3://${bucket}/${code}`).begin(state())).toBeUndefined();
  }
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
  expect(await failure(runs.begin(state()))).toMatchObject({
    code: 'bucket-denied',
    message: expect.stringContaining(`s3://${bucket}/our runs/`),
    hint: expect.stringContaining(`Allow s3:PutObject and s3:GetObject on arn:aws:s3:::${bucket}/our runs/* to ${who}`),
  });
  await deny('s3:ListBucket');
  expect(await failure(runs.read(run))).toMatchObject({
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
  expect(await failure(runs.read(run))).toMatchObject({
    hint: expect.stringMatching(/^Allow s3:GetObject on arn:aws:s3:::\S+ runs\/x to /),
  });
});

test.each(['if-none-match', 'if-match'])(
  'a store that reads past %s is found out before anything is overwritten',
  async (header) => {
    await runs.begin(state());
    await using careless = await startFront({ losesHeader: header });
    const other = open(`s3://${bucket}/our runs`, { endpoints: { s3: careless.endpoint } });
    expect(await failure(other.begin(second))).toMatchObject({
      code: 'bucket-denied',
      message: expect.stringMatching(new RegExp(`^the store ${careless.endpoint} reads past ${header} of a PUT`, 'i')),
    });
    expect(await open().read(run)).toEqual(state());
  },
);

interface Front extends AsyncDisposable {
  readonly endpoint: string;
  /** So many requests are done, and their answers lost. */
  loseAnswers(count: number): void;
}

/** The store behind something that loses a header, or answers. */
async function startFront({ losesHeader }: { readonly losesHeader?: string }): Promise<Front> {
  const { client } = store.target;
  let toLose = 0;
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    const pass = async (): Promise<readonly [number, string, string]> => {
      const Body = await buffer(request);
      const named = { Bucket: bucket, Key: decodeURIComponent(url.replace(/^\/[^/]+\//, '')) };
      const condition = (name: string) => (name === losesHeader ? undefined : headers[name]?.toString());
      const conditions = { IfMatch: condition('if-match'), IfNoneMatch: condition('if-none-match') };
      const done = await (method === 'PUT'
        ? client.send(new PutObjectCommand({ ...named, ...conditions, Body }))
        : client.send(new GetObjectCommand(named)));
      return [200, done.ETag ?? '', 'Body' in done ? ((await done.Body?.transformToString()) ?? '') : ''];
    };
    const answer = async (): Promise<void> => {
      const [status, etag, text] = await pass().catch(
        (error: { readonly $metadata?: { readonly httpStatusCode?: number } }) =>
          [error.$metadata?.httpStatusCode ?? 500, '', ''] as const,
      );
      if (toLose > 0) request.socket.destroy();
      else response.writeHead(status, { etag }).end(text);
      toLose = Math.max(0, toLose - 1);
    };
    void answer();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // of a TCP server, no pipe
    loseAnswers: (count) => void (toLose = count),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
