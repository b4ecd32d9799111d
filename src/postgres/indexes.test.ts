import { expect, test } from 'vitest';
import { inStages } from './indexes.ts';
import type { SchemaEntry } from './schema-entries.ts';

const entry = (type: string, sql: string): SchemaEntry => ({ type, name: 'x', schema: 'public', sql });
const sqlOf = (entries: readonly SchemaEntry[]) => inStages(entries).map((stage) => stage.map(({ sql }) => sql));

test('keys are built as indexes beside the others, and made of them afterwards, one by one', () => {
  const entries = [
    entry('CONSTRAINT', 'ALTER TABLE ONLY public.books\n    ADD CONSTRAINT books_pkey PRIMARY KEY (id);'),
    entry('CONSTRAINT', 'ALTER TABLE ONLY public.books\n    ADD CONSTRAINT "Books Isbn" UNIQUE (isbn, "Ed.");'),
    entry('INDEX', 'CREATE INDEX books_title ON public.books USING btree (title);'),
  ];
  expect(sqlOf(entries)).toEqual([
    [
      'CREATE UNIQUE INDEX books_pkey ON ONLY public.books USING btree (id);',
      'CREATE UNIQUE INDEX "Books Isbn" ON ONLY public.books USING btree (isbn, "Ed.");',
      'CREATE INDEX books_title ON public.books USING btree (title);',
    ],
    ['ALTER TABLE ONLY public.books ADD CONSTRAINT books_pkey PRIMARY KEY USING INDEX books_pkey;'],
    ['ALTER TABLE ONLY public.books ADD CONSTRAINT "Books Isbn" UNIQUE USING INDEX "Books Isbn";'],
  ]);
});

test.each([
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key UNIQUE NULLS NOT DISTINCT (a);',
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key UNIQUE (a) INCLUDE (b);',
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key PRIMARY KEY (a) DEFERRABLE INITIALLY DEFERRED;',
  "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key PRIMARY KEY (a) WITH (fillfactor='80');",
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key PRIMARY KEY (a, b WITHOUT OVERLAPS);',
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_excl EXCLUDE USING gist (a WITH &&);',
  'ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_key PRIMARY KEY (a);\n\nALTER TABLE public.t CLUSTER ON t_key;',
])('a key of another form is made as the dump says, alone: %s', (sql) => {
  const index = 'CREATE INDEX t_b ON public.t USING btree (b);';
  expect(sqlOf([entry('CONSTRAINT', sql), entry('INDEX', index)])).toEqual([[index], [sql]]);
});

test('a table without indexes has no stage', () => {
  expect(inStages([])).toEqual([]);
});
