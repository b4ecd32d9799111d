import { GetObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, keys, openRuns, run, runs, state, useRuns } from './use-runs.ts';
import { store } from './use-store.ts';

useRuns();

test('progress, plan and report are kept under the run, and what is not there yet is undefined', async () => {
  const other = openRuns();
  expect(await other.events.read(run, 1)).toBeUndefined();
  expect(await other.files.fetch(run, 'report.json')).toBeUndefined();
  await runs.events.add(run, 1, '{"kind":"a"}\n{"kind":"b"}\n');
  await runs.events.add(run, 12, 'é\n');
  const large = `<p>${'größer '.repeat(400_000)}</p>`;
  expect(runs.place).toBe(`s3://${bucket}/our runs`);
  expect(await runs.files.keep(run, 'report.html', large)).toBe(`s3://${bucket}/our runs/${run}/report.html`);
  await runs.files.keep(run, 'report.json', '{}');
  expect(await other.events.read(run, 1)).toBe('{"kind":"a"}\n{"kind":"b"}\n');
  expect(await other.events.read(run, 12)).toBe('é\n');
  expect(await other.files.fetch(run, 'report.html')).toBe(large);
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
  const whole = openRuns(`s3://${bucket}`);
  await whole.states.begin(state());
  expect(await whole.files.keep(run, 'plan.json', '{}')).toBe(`s3://${bucket}/${run}/plan.json`);
  expect(await keys()).toEqual(expect.arrayContaining([`${run}/plan.json`, `${run}/state.json`]));
});
