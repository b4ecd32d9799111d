import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  type Delete,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { configOf } from './store/config-of.ts';
import { readObjects } from './store/read-objects.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const deletion = { maxCount: 100, maxPercent: 100 };
const backup = { delete: deletion, backup: 'kept by/restage/' };

/** What staging gave its own objects: all of it has to be kept. */
const given: Partial<PutObjectCommandInput> = {
  ContentType: 'text/x-staging',
  CacheControl: 'no-store',
  ContentDisposition: 'inline',
  ContentEncoding: 'gzip',
  ContentLanguage: 'de',
  Metadata: { of: 'staging' },
  Tagging: 'of=staging&kept=yes',
};

test('what is overwritten or deleted is kept with all that it carries, by run, and no run takes it for staging’s own', async () => {
  const { from, to, shell } = await arrange({ images: backup });
  const keys = { overwritten: 'a/overwritten', deleted: 'b//deleted é+&', same: 'same' };
  await put('source', from, keys.overwritten, 'new');
  await put('source', from, keys.same, 'same');
  await put('target', to, keys.overwritten, 'old', given);
  await put('target', to, keys.deleted, 'extra', given);
  await put('target', to, keys.same, 'same');
  const before = await readObjects(store.target, to);

  const first = await shell.sync();
  expect(first.code, first.stderr).toBe(0);
  const prefix = `kept by/restage/${first.report.run}/`;
  const after = await readObjects(store.target, to);
  expect([...after.keys()].toSorted()).toEqual(
    [keys.overwritten, keys.same, prefix + keys.overwritten, prefix + keys.deleted].toSorted(),
  );
  for (const key of [keys.overwritten, keys.deleted]) {
    expect(before.get(key)).toMatchObject({ metadata: { of: 'staging' }, tags: { of: 'staging', kept: 'yes' } });
    expect(after.get(prefix + key)).toEqual(before.get(key));
  }

  const second = await shell.sync();
  expect(second.code, second.stderr).toBe(0);
  expect(second.report.steps).toEqual([]);
  expect(second.report.objects[0]?.totals).toMatchObject({ target: { objects: 2 }, extra: { objects: 0 } });

  await put('source', from, keys.overwritten, 'newer');
  const third = await shell.sync();
  expect(third.code, third.stderr).toBe(0);
  const last = await readObjects(store.target, to);
  const kept = last.get(`kept by/restage/${third.report.run}/${keys.overwritten}`);
  expect(kept).toEqual(after.get(keys.overwritten));
  expect(last.get(prefix + keys.overwritten)).toEqual(before.get(keys.overwritten));

  const page = await readFile(join(shell.folder, '.restage', 'runs', first.report.run, 'report.md'), 'utf8');
  expect(page).toContain(
    `1 object deleted and 1 object overwritten in ${to} are kept under \`${prefix}\`. To bring them back, with the target's profile:`,
  );
  const command = /aws s3 cp --recursive 's3:\/\/(\S+?)\/(.+?)\/' s3:\/\/(\S+)\/$/m.exec(page)?.slice(1);
  expect(command).toEqual([to, prefix.slice(0, -1), to]);
  for (const key of [keys.overwritten, keys.deleted]) {
    const CopySource = `${to}/${encodeURIComponent(prefix + key)}`;
    await store.target.client.send(new CopyObjectCommand({ Bucket: to, Key: key, CopySource }));
  }
  const undone = await readObjects(store.target, to);
  for (const [key, object] of before) expect(undone.get(key)).toEqual(object);
});

test('the command that brings back what was kept can be given to a shell as it stands', async () => {
  const { from, to, shell } = await arrange({ images: backup });
  await put('source', from, 'a', 'new');
  await put('target', to, 'a', 'old');
  const { report } = await shell.sync();
  const calls = await typeUndo(shell.folder, report.run, '');
  expect(calls).toEqual([['s3', 'cp', '--recursive', `s3://${to}/kept by/restage/${report.run}/`, `s3://${to}/`]]);
});

needs('faults')('an object that cannot be kept is neither overwritten nor deleted, and is named', async () => {
  const { from, to, shell } = await arrange({ images: { ...backup, route: 'stream' } });
  await put('source', from, 'a', 'new');
  await put('target', to, 'a', 'old');
  await put('target', to, 'extra', 'extra');
  const before = await readObjects(store.target, to);
  const refused = { kind: 'error', status: 400, code: 'InvalidRequest', message: 'not this one' } as const;
  await store.aws?.inject({ match: { operation: 'CopyObject', bucket: to }, ...refused });
  const overwriting = await shell.sync();
  expect(overwriting.report).toMatchObject({ outcome: 'failed', figures: { objects: { copied: 0, failed: 1 } } });
  expect(overwriting.report.failure?.message).toMatch(/"a": .*InvalidRequest/);
  expect(await readObjects(store.target, to)).toEqual(before);

  await store.source.client.send(new DeleteObjectCommand({ Bucket: from, Key: 'a' }));
  await put('source', from, 'a', 'old');
  const deleting = await shell.sync();
  expect(deleting.report).toMatchObject({ outcome: 'failed', figures: { objects: { copied: 0, deleted: 0 } } });
  expect(deleting.report.failure?.message).toMatch(/"extra": it could not be put aside: .*InvalidRequest/);
  expect([...(await readObjects(store.target, to)).keys()]).toEqual(['a', 'extra']);
  await store.aws?.clearFaults();
});

test('a key that is too long to be kept under the prefix stays as it is and is named; the others are kept', async () => {
  const long = 'x'.repeat(1000);
  const { from, to, shell } = await arrange({ images: backup });
  await put('source', from, 'a', 'a');
  await put('target', to, 'a', 'a');
  await put('target', to, long, 'extra');
  await put('target', to, 'short', 'extra');
  const { code, report } = await shell.sync();
  expect([code, report.figures.objects.deleted]).toEqual([1, 1]);
  expect(report.failure?.message).toContain(`1 of 2 objects could not be deleted in ${to}:\n  "${long}": it could not`);
  const kept = `${backup.backup}${report.run}/short`;
  expect([...(await readObjects(store.target, to)).keys()].toSorted()).toEqual(['a', kept, long].toSorted());
});

test('in a versioned bucket the report’s commands bring back what was deleted', async () => {
  const { from, to, shell } = await arrange({ images: { delete: deletion } }, true);
  await put('source', from, 'a', 'a');
  for (const key of ['a', ' with space é', `quote'"$(x)\\n`, 'tab\tand\nline', 'b//c'])
    await put('target', to, key, 'a', given);
  const before = await readObjects(store.target, to);
  const { stdout } = await shell.restage('plan');
  expect(stdout).toContain('the bucket is versioned, older versions stay');
  const { code, stderr, report } = await shell.sync();
  expect(code, stderr).toBe(0);
  expect([...(await readObjects(store.target, to)).keys()]).toEqual(['a']);
  const { DeleteMarkers = [] } = await store.target.client.send(new ListObjectVersionsCommand({ Bucket: to }));
  expect(DeleteMarkers).toHaveLength(4);

  const answer = JSON.stringify({ Objects: DeleteMarkers.map(({ Key, VersionId }) => ({ Key, VersionId })) });
  const [list, removal] = await typeUndo(shell.folder, report.run, answer);
  expect(list?.slice(0, 6)).toEqual(['s3api', 'list-object-versions', '--bucket', to, '--output', 'json']);
  expect(list?.at(-1)).toMatch(
    /^\{Objects: DeleteMarkers\[\?LastModified >= '[0-9T:-]+' && LastModified <= '[0-9T:-]+Z'\] \| \[:1000\]\.\{Key: Key, VersionId: VersionId\}\}$/,
  );
  expect(removal?.slice(0, 5)).toEqual(['s3api', 'delete-objects', '--bucket', to, '--delete']);
  const Delete = JSON.parse(await readFile((removal?.[5] ?? '').replace('file://', ''), 'utf8')) as Delete;
  await store.target.client.send(new DeleteObjectsCommand({ Bucket: to, Delete }));
  expect(await readObjects(store.target, to)).toEqual(before);
});

test('the report’s commands find the delete markers of the seconds in which the run began and ended', async () => {
  const { from, to, shell } = await arrange({ images: { delete: deletion } }, true);
  await put('source', from, 'a', 'a');
  for (const key of ['a', 'b']) await put('target', to, key, 'a');
  const { report } = await shell.sync();
  const [list] = await typeUndo(shell.folder, report.run, '');
  const since = /LastModified >= '(.+?)'/.exec(list?.at(-1) ?? '')?.[1] ?? '';
  const until = /LastModified <= '(.+?)'/.exec(list?.at(-1) ?? '')?.[1] ?? '';
  const end = new Date(Date.parse(report.startedAt) + report.durationMs).toISOString().slice(0, 19);
  for (const zone of ['.999Z', '+00:00', 'Z']) {
    expect(`${report.startedAt.slice(0, 19)}${zone}` >= since).toBe(true);
    expect(`${end}${zone}` <= until).toBe(true);
  }
  const { DeleteMarkers = [] } = await store.target.client.send(new ListObjectVersionsCommand({ Bucket: to }));
  const [deleted = ''] = DeleteMarkers.map(({ LastModified }) => LastModified?.toISOString());
  expect(deleted >= since && deleted <= until).toBe(true);
});

async function arrange(objects: object, versioned = false) {
  const from = await store.source.createBucket();
  const to = await store.target.createBucket({ versioned });
  return { from, to, shell: await configOf(store, { buckets: { images: { source: from, target: to } }, objects }) };
}

async function put(
  side: 'source' | 'target',
  Bucket: string,
  Key: string,
  Body: string,
  more: Partial<PutObjectCommandInput> = {},
): Promise<void> {
  await store[side].client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
}

/** Types the commands of a run's report.md in bash, where `aws` prints the answer. The arguments of each call of it. */
async function typeUndo(folder: string, run: string, answer: string): Promise<readonly (readonly string[])[]> {
  const page = await readFile(join(folder, '.restage', 'runs', run, 'report.md'), 'utf8');
  const script = page.split('\n').flatMap((line) => (line.startsWith('    ') ? [line.slice(4)] : []));
  const place = await mkdtemp(join(store.folder, 'undo-'));
  await writeFile(join(place, 'answer'), answer);
  const program = `#!/bin/sh\ncd ${place}\nprintf '%s\\0' "$@" >> calls\nprintf '\\n\\0' >> calls\ncase $2 in list*) cat answer;; esac\n`;
  await writeFile(join(place, 'aws'), program);
  await chmod(join(place, 'aws'), 0o700);
  const { status, stderr } = spawnSync('bash', ['-c', script.join('\n')], {
    env: { PATH: `${place}:${process.env['PATH'] ?? ''}` },
    encoding: 'utf8',
    cwd: place,
  });
  expect(status, stderr).toBe(0);
  const calls = (await readFile(join(place, 'calls'), 'utf8')).split('\n\0').slice(0, -1);
  return calls.map((call) =>
    call
      .split('\0')
      .slice(0, -1)
      .map((word) => word.replace('file://', `file://${place}/`)),
  );
}
