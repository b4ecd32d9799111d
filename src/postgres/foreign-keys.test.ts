import { expect, test } from 'vitest';
import { splitForeignKeys } from './foreign-keys.ts';
import type { SchemaEntry } from './schema-entries.ts';

const key = (table: string, name: string, end = ''): SchemaEntry => ({
  type: 'FK CONSTRAINT',
  name: `${table} ${name}`,
  schema: 'public',
  sql: `ALTER TABLE ${table}\n    ADD CONSTRAINT ${name} FOREIGN KEY (a) REFERENCES public.b(id) ON DELETE CASCADE${end};`,
});

test('keys are added unproven, and validated together for each table', () => {
  const { add, validate } = splitForeignKeys([
    key('ONLY public.a', 'a_b'),
    key('ONLY public."A"', '"a b"'),
    key('ONLY public.a', 'a_c', ' DEFERRABLE INITIALLY DEFERRED'),
  ]);
  expect(add.map(({ sql }) => sql.slice(sql.indexOf('REFERENCES')))).toEqual([
    'REFERENCES public.b(id) ON DELETE CASCADE NOT VALID;',
    'REFERENCES public.b(id) ON DELETE CASCADE NOT VALID;',
    'REFERENCES public.b(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;',
  ]);
  expect(validate).toEqual([
    { table: { schema: 'public', name: 'a' }, constraints: ['a_b', 'a_c'] },
    { table: { schema: 'public', name: 'A' }, constraints: ['a b'] },
  ]);
});

test.each([
  ['one that the source has not validated', key('ONLY public.a', 'k', ' NOT VALID')],
  ['one that is not enforced', key('ONLY public.a', 'k', ' NOT ENFORCED')],
  ['one of a partitioned table', key('public.a', 'k')],
])('%s is made as the dump says, and never validated', (_what, entry) => {
  expect(splitForeignKeys([entry])).toEqual({ add: [entry], validate: [] });
});
