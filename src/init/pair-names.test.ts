import { describe, expect, test } from 'vitest';
import { guessProfiles, nameBuckets, pairNames } from './pair-names.ts';

const pairs = (sources: readonly string[], targets: readonly string[]) =>
  Object.fromEntries(pairNames(sources, targets).map(({ source, target }) => [source, target]));

describe('names are paired by what they say', () => {
  test.each([
    ['bluemoxon-images', 'bluemoxon-images-staging'],
    ['bluemoxon/db-credentials', 'bluemoxon-staging/database'],
    ['acme-prod-uploads', 'acme-stg-uploads'],
    ['acme.production.media', 'acme.stag.media'],
    ['acmeimages', 'acme-images-dev'],
    ['prod/acme/rds', 'staging/acme/postgres'],
    ['acme-files-111111111111-us-west-2', 'acme-files-222222222222-eu-central-1'],
    ['AcmeProd-ImagesBucket1a2b3c4d', 'AcmeStaging-ImagesBucket9f8e7d6c'],
  ])('%s and %s', (source, target) => {
    expect(pairs([source], [target])).toEqual({ [source]: target });
  });

  test('a word that everything is called by pairs nothing', () => {
    expect(pairs(['bluemoxon-images'], ['bluemoxon-logs-staging'])).toEqual({ 'bluemoxon-images': undefined });
  });

  test('each of several names finds its own', () => {
    const targets = ['bmx-staging-docs', 'bmx-staging-images', 'bmx-staging-logs'];
    expect(pairs(['bmx-images', 'bmx-docs', 'bmx-deploy'], targets)).toEqual({
      'bmx-images': 'bmx-staging-images',
      'bmx-docs': 'bmx-staging-docs',
      'bmx-deploy': undefined,
    });
  });

  test('two that are as near leave the choice to a person, the nearest first', () => {
    const [pairing] = pairNames(['bmx-images'], ['bmx-stg-images', 'bmx-stg2', 'bmx-uat-images']);
    expect(pairing).toEqual({
      source: 'bmx-images',
      target: undefined,
      candidates: ['bmx-stg-images', 'bmx-uat-images'],
    });
  });

  test('two sources that lead to one target leave the choice to a person', () => {
    expect(pairs(['bmx-images', 'bmx-prod-images'], ['bmx-images-staging'])).toEqual({
      'bmx-images': undefined,
      'bmx-prod-images': undefined,
    });
  });

  test('staging before development, and never production', () => {
    expect(pairs(['bmx-images'], ['bmx-images-dev', 'bmx-images-staging'])).toEqual({
      'bmx-images': 'bmx-images-staging',
    });
    expect(pairs(['bmx-prod-images'], ['bmx-production-images'])['bmx-prod-images']).toBeDefined();
    expect(pairNames(['a-prod-b'], ['a-prod-c'])[0]?.candidates).toEqual([]);
  });

  test('the same name in two accounts is a pair; in one account it is the same thing', () => {
    expect(pairs(['acme/database'], ['acme/database'])).toEqual({ 'acme/database': 'acme/database' });
    const names = ['acme-images', 'acme-images-staging'];
    expect(pairNames(names, names, true).map(({ source, target }) => [source, target])).toEqual([
      ['acme-images', 'acme-images-staging'],
      ['acme-images-staging', undefined],
    ]);
  });
});

test.each([
  [['bluemoxon-images'], ['images']],
  [
    ['bmx-prod-images', 'bmx-prod-user-docs'],
    ['images', 'user-docs'],
  ],
  [['production'], ['objects']],
  [
    ['bmx-images', 'bmx-images-prod'],
    ['objects', 'bmx-images-prod'],
  ],
])('the buckets %j are called %j', (buckets, names) => {
  expect(nameBuckets(buckets)).toEqual(names);
});

test.each([
  [['default', 'bmx-prod', 'bmx-staging'], 'bmx-prod', 'bmx-staging'],
  [['a-staging', 'b-prod', 'b-stg'], 'b-prod', 'b-stg'],
  [['production', 'stage'], 'production', 'stage'],
  [['default', 'work'], undefined, undefined],
])('of the profiles %j', (profiles, source, target) => {
  expect(guessProfiles(profiles)).toEqual({ source, target });
});
