import { expect, test } from 'vitest';
import { anonymous } from './identity.ts';
import { mayDo } from './permissions.ts';

const caller = { ...anonymous, arn: 'arn:aws:sts::1:assumed-role/r/s' };

test('whoever has no list may do everything, and whoever has an empty one nothing', () => {
  expect(mayDo(caller, 's3:GetObject', 'arn:aws:s3:::a/b')).toBe(true);
  expect(mayDo({ ...caller, allows: [] }, 's3:GetObject', 'arn:aws:s3:::a/b')).toBe(false);
});

test('an action and a resource must be allowed by the same entry', () => {
  const allows = [
    { actions: ['s3:get*'], resources: ['arn:aws:s3:::a/runs/*'] },
    { actions: ['s3:PutObject'], resources: ['arn:aws:s3:::b/?'] },
  ];
  const may = (action: string, resource: string) => mayDo({ ...caller, allows }, action, `arn:aws:s3:::${resource}`);
  expect(may('s3:GetObject', 'a/runs/1')).toBe(true);
  expect(may('s3:GetObject', 'a/run/1')).toBe(false);
  expect(may('s3:GetObject', 'b/1')).toBe(false);
  expect(may('s3:PutObject', 'b/1')).toBe(true);
  expect(may('s3:PutObject', 'b/12')).toBe(false);
  expect(may('s3:PutObjectAcl', 'b/1')).toBe(false);
  // A resource's letters count, an action's do not.
  expect(may('S3:GETOBJECT', 'a/runs/1')).toBe(true);
  expect(may('s3:GetObject', 'A/runs/1')).toBe(false);
});
