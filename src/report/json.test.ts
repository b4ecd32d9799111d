import { expect, test } from 'vitest';
import { keepSecret } from '../errors.ts';
import { json } from './json.ts';

test('what an application answers is kept without the secrets in it', () => {
  keepSecret('s3cr"et-key');
  const text = json({ answer: { database: 'postgres://app:hidden@db/x', note: 'the key is s3cr"et-key' } });
  expect(JSON.parse(text)).toEqual({ answer: { database: 'postgres://app:***@db/x', note: 'the key is ***' } });
});
