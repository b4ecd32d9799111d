import { Readable } from 'node:stream';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { borrowBody, readBody } from './read-body.ts';

test('a body that broke off before anybody listened is told, and not waited for', async () => {
  const body = new Readable({ read: () => {} });
  body.destroy();
  await once(body, 'close');
  await expect(readBody(body)).rejects.toThrow('closed in the middle');
  await expect(borrowBody(body)).rejects.toThrow('closed in the middle');
});
