import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test('a word of a longer name finds that name', () => {
  expect(nearest('staging', ['bmx-prod', 'bmx-staging', 'stagings-of-old'])).toBe('bmx-staging');
  expect(nearest('bmx-staging', ['default', 'staging'])).toBe('staging');
});

test('a slip of the keys finds what was meant, in any case', () => {
  expect(nearest('regoin', ['profile', 'region', 'account'])).toBe('region');
  expect(nearest('BMX-Pord', ['bmx-prod', 'bmx-staging'])).toBe('bmx-prod');
  expect(nearest('keep-previous', ['mode', 'keepPrevious'])).toBe('keepPrevious');
});

test('one wrong letter goes before a shorter name that stands in the wanted one', () => {
  expect(nearest('shop-stagin', ['shop', 'shop-staging'])).toBe('shop-staging');
});

test('nothing is suggested where nothing is near', () => {
  expect(nearest('staging', ['default', 'production'])).toBeUndefined();
  expect(nearest('staging', [])).toBeUndefined();
});

test('two short names are not near only because they are short', () => {
  expect(nearest('db', ['s3', 'url'])).toBeUndefined();
  expect(nearest('cpu', ['app', 'aws'])).toBeUndefined();
});
