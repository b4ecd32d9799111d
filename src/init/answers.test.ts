import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { draftOf, type InitOptions, lackingOptions, readOptions } from './answers.ts';
import { completeDraft } from './complete.ts';
import { configText } from './config-text.ts';

const lacking = (options: InitOptions) => lackingOptions(readOptions(options));

describe('what is still needed', () => {
  test('is everything, where nothing is said', () => {
    expect(lacking({})).toEqual([
      expect.stringContaining('--source-database and --target-database, or --source-bucket'),
      '--source-profile, unless the database is given as a URL',
      '--target-profile, unless the database is given as a URL',
    ]);
  });

  test('is the partner of each database and bucket', () => {
    expect(lacking({ sourceProfile: 'p', targetProfile: 's', sourceDatabase: 'a', targetBucket: ['x=b'] })).toEqual([
      '--source-bucket x=BUCKET, beside --target-bucket x=…',
      '--target-database, beside --source-database',
    ]);
  });

  test('is a profile where something of AWS is named, with what', () => {
    const postgres = 'postgres://u@h/d';
    expect(lacking({ sourceDatabase: postgres, targetDatabase: 'a/secret' })).toEqual([
      '--target-profile, which reads the secret a/secret',
    ]);
    expect(lacking({ sourceDatabase: 'rds://u@i/d', targetDatabase: postgres, function: 'f' })).toEqual([
      '--source-profile, which asks RDS',
      '--target-profile, which has the function f',
    ]);
  });

  test('is nothing for two URLs, and a draft of that is a configuration', () => {
    const answers = readOptions({ sourceDatabase: 'postgres://u@h/d', targetDatabase: 'postgres://u@i/d' });
    expect(lackingOptions(answers)).toEqual([]);
    const variables = { SOURCE_DATABASE_PASSWORD: 'a', TARGET_DATABASE_PASSWORD: 'b' };
    expect(loadConfig(configText(draftOf(answers)), { variables }).target.database?.host).toBe('i');
  });
});

test('an endpoint is of one service, or of all', () => {
  const { source, target } = readOptions({
    sourceEndpoint: ['http://127.0.0.1:1/', 's3=http://127.0.0.1:2'],
    targetEndpoint: ['secretsmanager=https://example.com'],
  });
  const all = 'http://127.0.0.1:1';
  expect(source.endpoints).toEqual({ s3: 'http://127.0.0.1:2', secretsManager: all, sts: all, rds: all, lambda: all });
  expect(target.endpoints).toEqual({ secretsManager: 'https://example.com' });
});

test.each([
  [{ sourceBucket: ['images'] }, '--source-bucket images is not NAME=BUCKET'],
  [{ sourceBucket: ['images=s3://bucket/path'] }, 'is not NAME=BUCKET'],
  [{ targetBucket: ['a=b', 'a=c'] }, '--target-bucket names a twice'],
  [{ sourceEndpoint: ['s4=http://x'] }, '--source-endpoint s4=http://x is not URL or SERVICE=URL'],
  [{ sourceEndpoint: ['ftp://x'] }, 'is not URL or SERVICE=URL'],
] satisfies [InitOptions, string][])('%j is refused', (options, message) => {
  expect(() => readOptions(options)).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(() => readOptions(options)).toThrow(message);
});

test('a draft that no configuration can hold is refused before anything is written', async () => {
  const answers = readOptions({
    sourceDatabase: 'postgres://u@h/d',
    targetDatabase: 'postgres://u@i/d',
    targetName: 'production',
  });
  await expect(completeDraft(draftOf(answers), { variables: {} })).rejects.toThrow("target.name: is the source's name");
});
