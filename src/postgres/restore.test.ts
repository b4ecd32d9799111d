import { expect, test } from 'vitest';
import { difference } from './digest.ts';
import { arrange } from './restore.ts';
import type { Table } from './catalog.ts';
import type { SchemaEntry } from './schema-entries.ts';

const table = (name: string, schema = 'public'): Table => ({
  table: { schema, name },
  columns: [],
  parents: [],
  primaryKey: [],
  rows: 0,
  rowsAreEstimated: false,
  neverEstimated: false,
  estimatedRows: 0,
  sizeBytes: 0,
  indexBytes: 0,
});
const entry = (type: string, name: string, sql = ''): SchemaEntry => ({ type, name, schema: 'public', sql });
const names = (entries: readonly SchemaEntry[] | undefined) => entries?.map(({ name }) => name);

test('each part of a dump goes where it can be made: with its table, with the keys, or at the end', () => {
  const before = [
    entry('TABLE', 'books'),
    entry('MATERIALIZED VIEW', 'first', 'CREATE MATERIALIZED VIEW public.first AS SELECT;'),
    entry('MATERIALIZED VIEW', 'a second', 'CREATE MATERIALIZED VIEW public."a\nsecond" AS SELECT;'),
  ];
  const after = [
    entry('CONSTRAINT', 'books_pkey', 'ALTER TABLE ONLY public.books\n    ADD PRIMARY KEY (id);'),
    entry('CONSTRAINT', 'root_pkey', 'ALTER TABLE ONLY public.root\n    ADD PRIMARY KEY (id);'),
    entry('INDEX', 'books_title', 'CREATE INDEX books_title ON public.books USING btree (title);'),
    entry('INDEX', 'first_id', 'CREATE INDEX first_id ON public.first USING btree (id);'),
    entry('INDEX', 'other', 'CREATE INDEX other ON shop.books USING btree (id);'),
    entry('INDEX ATTACH', 'part_pkey', 'ALTER INDEX public.root_pkey ATTACH PARTITION public.part_pkey;'),
    entry('STATISTICS', 'of_books', 'CREATE STATISTICS public.of_books ON a, b FROM public.books;'),
    entry('STATISTICS', 'of_first', 'CREATE STATISTICS public.of_first ON a, b FROM public.first;'),
    entry('COMMENT', 'INDEX books_title', "COMMENT ON INDEX public.books_title IS 'x';"),
    entry('TRIGGER', 'touch'),
    entry('FK CONSTRAINT', 'books_author', 'ALTER TABLE ONLY public.books\n    ADD FOREIGN KEY …'),
    entry('EVENT TRIGGER', 'guard'),
    entry('COMMENT', 'EVENT TRIGGER guard', "COMMENT ON EVENT TRIGGER guard IS 'x';"),
    entry('POLICY', 'own'),
  ];
  const order = arrange({ before, after }, [table('books'), table('books', 'shop'), table('empty')]);
  expect(order.before).toEqual(before);
  expect([...order.byTable].map(([name, entries]) => [name, names(entries)])).toEqual([
    ['"public"."books"', ['books_pkey', 'books_title', 'of_books']],
    ['"shop"."books"', ['other']],
    ['"public"."empty"', []],
  ]);
  expect(names(order.rest)).toEqual(['root_pkey', 'first_id', 'part_pkey', 'of_first', 'touch']);
  expect(names(order.foreignKeys)).toEqual(['books_author']);
  expect(names(order.comments)).toEqual(['INDEX books_title']);
  expect(names(order.last)).toEqual(['own']);
  expect(names(order.eventTriggers)).toEqual(['guard', 'EVENT TRIGGER guard']);
  expect(order.views.map(({ name }) => name)).toEqual(['first', 'a\nsecond']);
});

test('nothing of a dump is lost or made twice', () => {
  const after = [
    'CONSTRAINT',
    'INDEX',
    'INDEX ATTACH',
    'STATISTICS',
    'RULE',
    'FK CONSTRAINT',
    'EVENT TRIGGER',
    'FUNCTION',
    'COMMENT',
  ].flatMap((type) => [entry(type, `${type} 1`, 'x ON public.a'), entry(type, `${type} 2`, 'x ON public.b')]);
  const order = arrange({ before: [], after }, [table('a')]);
  const { byTable, before, rest, foreignKeys, comments, last, eventTriggers } = order;
  const placed = [...byTable.values(), before, rest, foreignKeys, comments, last, eventTriggers].flat();
  expect(new Set(placed)).toEqual(new Set(after));
  expect(placed).toHaveLength(after.length);
});

test('a materialized view that had to wait for a primary key is filled too', () => {
  // pg_dump puts it behind the rows when its query groups by a primary key and reads the other columns.
  const after = [
    entry('CONSTRAINT', 'books_pkey', 'ALTER TABLE ONLY public.books\n    ADD PRIMARY KEY (id);'),
    entry('MATERIALIZED VIEW', 'grouped', 'CREATE MATERIALIZED VIEW public.grouped AS … WITH NO DATA;'),
    entry('INDEX', 'grouped_id', 'CREATE INDEX grouped_id ON public.grouped USING btree (id);'),
  ];
  const order = arrange({ before: [], after }, [table('books')]);
  expect(order.views).toEqual([{ schema: 'public', name: 'grouped' }]);
});

test('two digests of a table are compared by rows first, then by content', () => {
  const name = { schema: 'shop', name: 'books' };
  const digest = { rows: 3, content: '77' };
  expect(difference(name, digest, { ...digest })).toBeUndefined();
  expect(difference(name, digest, { rows: 2, content: '77' })).toBe(
    'shop.books: 3 rows at the source, 2 at the target',
  );
  expect(difference(name, digest, { rows: 3, content: '78' })).toMatch(/^shop\.books: .* not by content$/);
});
