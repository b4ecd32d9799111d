import { expect, test } from 'vitest';
import { belongsToExtension } from './extensions.ts';

const entry = (type: string, name: string) => ({ type, name, schema: '', sql: '' });

test('what makes and what describes an extension belongs to it, whatever its name', () => {
  for (const name of ['hstore', 'uuid-ossp']) {
    expect(belongsToExtension(entry('EXTENSION', name), ['citext', name])).toBe(true);
    expect(belongsToExtension(entry('COMMENT', `EXTENSION "${name}"`), [name])).toBe(true);
    expect(belongsToExtension(entry('COMMENT', `EXTENSION ${name}`), [name])).toBe(true);
  }
});

test('what only bears its name, or a like one, does not', () => {
  expect(belongsToExtension(entry('TABLE', 'hstore'), ['hstore'])).toBe(false);
  expect(belongsToExtension(entry('COMMENT', 'SCHEMA hstore'), ['hstore'])).toBe(false);
  expect(belongsToExtension(entry('EXTENSION', 'hstore_plperl'), ['hstore'])).toBe(false);
  expect(belongsToExtension(entry('EXTENSION', 'hstore'), [])).toBe(false);
});
