import { readFile } from 'node:fs/promises';
import { paginateListObjectsV2, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Document } from 'yaml';
import { type Scene, startScene } from './scene.ts';

// Objects are deleted last of all: beside a database, too, and only where all else has ended well.
let scene: Scene;
let staging: S3Client;

beforeAll(async () => {
  scene = await startScene();
  const { aws, source, target, variables } = scene.environment;
  const profiles = await readFile(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', 'utf8');
  const found = /\[bmx-staging\]\naws_access_key_id = (.+)\naws_secret_access_key = (.+)/.exec(profiles) ?? [];
  const [, accessKeyId = '', secretAccessKey = ''] = found;
  const credentials = { accessKeyId, secretAccessKey };
  staging = new S3Client({ endpoint: aws.endpoint, region: 'us-west-2', credentials, forcePathStyle: true });
  await aws.seedObjects(source.bucket, [
    { key: 'few/a', body: 'a' },
    { key: 'few/b', body: 'b' },
  ]);
  await aws.seedObjects(target.bucket, [{ key: 'few/a', body: 'a' }]);
});
afterAll(async () => {
  staging.destroy();
  await scene[Symbol.asyncDispose]();
});

/** `restage sync` of the database and of a few objects, of which the target has one more. */
async function refresh(change: (config: Document) => void = () => {}) {
  await staging.send(new PutObjectCommand({ Bucket: scene.environment.target.bucket, Key: 'few/extra', Body: 'x' }));
  const config = await scene.configure((document) => {
    document.setIn(['objects'], { images: { prefix: 'few/', delete: { maxPercent: 100 } } });
    document.deleteIn(['verify', 'references']); // rows name more than these few
    change(document);
  });
  const ended = await scene.sync('--config', config);
  return { ...ended, left: await keys() };
}

async function keys(): Promise<readonly string[]> {
  const found: string[] = [];
  const asked = { Bucket: scene.environment.target.bucket, Prefix: 'few/' };
  for await (const page of paginateListObjectsV2({ client: staging }, asked))
    found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
  return found;
}

test('nothing is deleted where a migration fails', async () => {
  const wrong = ['migrate', 'steps', 0, 'http', 'expect', 'status'];
  const { code, report, left } = await refresh((config) => config.setIn(wrong, 'splendid'));
  expect([code, report.failure?.step, report.recovery?.swappedBack]).toEqual([1, 'migrate', true]);
  expect(report.steps.at(-1)).toMatchObject({ kind: 'delete-objects', outcome: { status: 'not-run' } });
  expect(left).toEqual(['few/a', 'few/b', 'few/extra']);
});

test('nothing is deleted where the application is not healthy', async () => {
  const { code, report, left } = await refresh((config) => {
    config.setIn(['verify', 'health', 'expect', 'status'], 'splendid');
    config.setIn(['verify', 'health', 'withinSeconds'], 0);
  });
  expect([code, report.failure?.step, report.recovery?.swappedBack]).toEqual([1, 'check-health', true]);
  expect(report.steps.at(-1)).toMatchObject({ kind: 'delete-objects', outcome: { status: 'not-run' } });
  expect(left).toContain('few/extra');
});

test('where all ends well objects are deleted when everything else is over', async () => {
  const { code, stderr, report, left } = await refresh();
  expect(code, stderr).toBe(0);
  expect(left).toEqual(['few/a', 'few/b']);
  const times = report.steps.map(({ kind, outcome }) => {
    const { startedAt, durationMs } = outcome as { startedAt: string; durationMs: number }; // all are done
    return { kind, begin: Date.parse(startedAt), end: Date.parse(startedAt) + durationMs };
  });
  const last = times.find(({ kind }) => kind === 'delete-objects');
  expect(times.filter(({ kind }) => kind === 'drop-previous')).toHaveLength(1);
  for (const { kind, end } of times)
    if (kind !== 'delete-objects') expect([kind, end <= (last?.begin ?? 0) + 2]).toEqual([kind, true]); // in whole ms
});
