import { expect, test } from 'vitest';
import { runPlaceOf } from './run-place.ts';

test.each([
  ['s3://bucket', { bucket: 'bucket', folder: '', text: 's3://bucket' }],
  ['s3://bucket/', { bucket: 'bucket', folder: '', text: 's3://bucket' }],
  ['s3://bucket/runs', { bucket: 'bucket', folder: 'runs/', text: 's3://bucket/runs' }],
  ['s3://bucket//a/b//', { bucket: 'bucket', folder: 'a/b/', text: 's3://bucket/a/b' }],
  ['s3://bucket/our runs/é', { bucket: 'bucket', folder: 'our runs/é/', text: 's3://bucket/our runs/é' }],
])('%s is a place for runs', (place, expected) => {
  expect(runPlaceOf(place)).toEqual(expected);
});

test.each(['', 'bucket', 's3://', 's3:///a', 'https://bucket/a'])('%j is none', (place) => {
  expect(() => runPlaceOf(place)).toThrow('is no place for runs');
});
