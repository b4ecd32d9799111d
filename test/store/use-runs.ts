import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeEach } from 'vitest';
import type { Account } from '../../src/aws/account.ts';
import type { RunState } from '../../src/remote/run-state.ts';
import { openRunStore, type RunStore } from '../../src/remote/run-store.ts';
import { store, useStore } from './use-store.ts';

/** A bucket of its own for each test, and the runs in it. */
export let bucket: string;
export let runs: RunStore;

export function useRuns(): void {
  useStore();
  beforeEach(async () => {
    await store.aws?.clearFaults();
    bucket = await store.target.createBucket();
    runs = openRuns();
  });
}

/** As another invocation would: it knows nothing of what this one holds. */
export const openRuns = (
  place = `s3://${bucket}/our runs/`,
  account: Partial<Account> = {},
  options: Parameters<typeof openRunStore>[2] = {},
) => openRunStore({ ...accountOf(), ...account }, place, options);

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

export const run = '20260131-031500-4f2a';

export const state = (more: Partial<RunState> = {}): RunState => ({
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

/** The same run, begun by another invocation. */
export const second = state({ function: { name: 'shop-sync', requestId: 'r2', memoryBytes: 1 } });

export const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

export async function keys(): Promise<readonly (string | undefined)[]> {
  const { Contents = [] } = await store.target.client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => Key);
}
