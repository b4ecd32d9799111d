import { expect, test } from 'vitest';
import { parseDump, tableOf } from './schema-entries.ts';

const heading = (name: string, type: string, schema = 'public') =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: -\n--\n\n`;

const prelude = `--
-- PostgreSQL database dump
--

\\restrict abc

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

`;
const end = `--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n`;

const dumpOf = (...entries: readonly (readonly [heading: string, sql: string])[]) =>
  prelude + entries.map(([head, sql]) => `${head}${sql}\n\n\n`).join('') + end;

test('a dump is split at its headings, and the session around it is left out', () => {
  const { before, after } = parseDump(
    dumpOf(
      [heading('shop', 'SCHEMA', '-'), 'CREATE SCHEMA shop;'],
      [heading('books', 'TABLE', 'shop'), 'CREATE TABLE shop.books (\n    id integer NOT NULL\n);'],
      [heading('TABLE books', 'COMMENT', 'shop'), "COMMENT ON TABLE shop.books IS 'it''s; here';"],
      [heading('books books_pkey', 'CONSTRAINT', 'shop'), 'ALTER TABLE ONLY shop.books\n    ADD PRIMARY KEY (id);'],
      [heading('books_title', 'INDEX', 'shop'), 'CREATE INDEX books_title ON shop.books USING btree (title);'],
      [heading('INDEX books_title', 'COMMENT', 'shop'), "COMMENT ON INDEX shop.books_title IS 'after';"],
    ),
  );
  expect(before).toEqual([
    { type: 'SCHEMA', name: 'shop', schema: '', sql: 'CREATE SCHEMA shop;' },
    { type: 'TABLE', name: 'books', schema: 'shop', sql: 'CREATE TABLE shop.books (\n    id integer NOT NULL\n);' },
    { type: 'COMMENT', name: 'TABLE books', schema: 'shop', sql: "COMMENT ON TABLE shop.books IS 'it''s; here';" },
  ]);
  expect(after.map(({ type, name }) => `${type} ${name}`)).toEqual([
    'CONSTRAINT books books_pkey',
    'INDEX books_title',
    'COMMENT INDEX books_title',
  ]);
});

const trap = `select 1;\n\n\n${heading('evil', 'TABLE')}drop table x;\n\n\n${end}`;

test.each([
  ['a dollar-quoted body', `CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $$\n${trap}$$;`],
  ['a body with a tag', `CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $_$ $1 $$\n${trap}$_$;`],
  ['a quoted text', `COMMENT ON TABLE public.t IS 'it''s $$ not over;\n${trap}';`],
  ['an escaped text', `COMMENT ON TABLE public.t IS E'a \\\\ b \\' c;\n${trap}';`],
  ['a quoted name', `CREATE TABLE public."it's $$;\n${trap}" (\n    id integer\n);`],
])('a heading inside %s is not taken for one', (_where, sql) => {
  const { before, after } = parseDump(
    dumpOf(
      [heading('holder', 'FUNCTION'), sql],
      [heading('t', 'INDEX'), 'CREATE INDEX t ON public.t USING btree (a);'],
    ),
  );
  expect(before.map((entry) => entry.sql)).toEqual([sql]);
  expect(after.map((entry) => entry.name)).toEqual(['t']);
});

test('quotes of one kind inside another do not hide the entries that follow', () => {
  const tricky = [
    `COMMENT ON TABLE public.a IS 'a " and $$ and /* and --';`,
    `CREATE TABLE public."b'$$--/*" (\n    id integer -- it's\n);`,
    `CREATE FUNCTION public.c() RETURNS text LANGUAGE sql AS $x$ select '$$' || E'\\\\' /* $x$;`,
    `ALTER TABLE public.d ALTER COLUMN e SET DEFAULT '\\';`,
  ];
  const entries = [...tricky, 'CREATE TABLE last ();'].map(
    (sql, index) => [heading(`${index}`, 'TABLE'), sql] as const,
  );
  expect(parseDump(dumpOf(...entries)).before.slice(0, -1)).toEqual(
    tricky.map((sql, index) => ({ type: 'TABLE', name: `${index}`, schema: 'public', sql })),
  );
});

test('the last entry ends with its statement, not with the comment that closes the dump', () => {
  const { before } = parseDump(dumpOf([heading('last', 'TABLE'), 'CREATE TABLE public.last ();']));
  expect(before.map((entry) => entry.sql)).toEqual(['CREATE TABLE public.last ();']);
});

test('a name keeps its dots, quotes and semicolons', () => {
  const { before } = parseDump(dumpOf([heading(`we"ird; Type: x.y'`, 'TABLE', 'a; b'), 'CREATE TABLE x ();']));
  expect(before[0]).toMatchObject({ name: `we"ird; Type: x.y'`, schema: 'a; b' });
});

test('a remark in place of an object is no entry, and does not swallow the next', () => {
  const { before } = parseDump(
    dumpOf(
      [heading('public', 'SCHEMA', '-'), '-- *not* creating schema, since initdb creates it'],
      [heading('citext', 'EXTENSION', '-'), 'CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;'],
    ),
  );
  expect(before.map(({ name }) => name)).toEqual(['citext']);
});

test('each table and materialized view sets its own access method, whatever was made before it in the session', () => {
  const set = (method: string) => `SET default_table_access_method = ${method};`;
  const entries = parseDump(
    dumpOf(
      [heading('f', 'FUNCTION'), `CREATE FUNCTION public.f();\n\n\n${set('heap')}`],
      [heading('a', 'TABLE'), `CREATE TABLE public.a ();\n\n\nSET default_tablespace = '';\n\n${set('columnar')}`],
      [heading('b', 'TABLE'), 'CREATE TABLE public.b ();'],
      [heading('b_i', 'INDEX'), `CREATE INDEX b_i ON public.b USING btree (id);`],
      [heading('c', 'MATERIALIZED VIEW'), `CREATE MATERIALIZED VIEW public.c AS SELECT;\n\n\n${set('heap')}`],
      [heading('d', 'MATERIALIZED VIEW'), `CREATE MATERIALIZED VIEW public.d AS SELECT;`],
    ),
  );
  expect([...entries.before, ...entries.after].map(({ sql }) => sql)).toEqual([
    'CREATE FUNCTION public.f();',
    'CREATE TABLE public.a ();',
    `${set('columnar')}\nCREATE TABLE public.b ();\n${set('heap')}`,
    'CREATE INDEX b_i ON public.b USING btree (id);',
    `${set('columnar')}\nCREATE MATERIALIZED VIEW public.c AS SELECT;\n${set('heap')}`,
    'CREATE MATERIALIZED VIEW public.d AS SELECT;',
  ]);
});

test('a dump of nothing has no entries', () => {
  expect(parseDump(prelude + end)).toEqual({ before: [], after: [] });
});

test.each([
  ['CONSTRAINT', 'ALTER TABLE ONLY public.books\n    ADD CONSTRAINT books_pkey PRIMARY KEY (id);', 'public', 'books'],
  ['CONSTRAINT', 'ALTER TABLE ONLY "a.b"."c""d\ne"\n    ADD CONSTRAINT x UNIQUE (id);', 'a.b', 'c"d\ne'],
  ['CONSTRAINT', 'ALTER TABLE shop.part\n    ADD CONSTRAINT part_pkey PRIMARY KEY (id);', 'shop', 'part'],
  ['INDEX', 'CREATE INDEX i ON public.books USING gin (title);', 'public', 'books'],
  ['INDEX', 'CREATE UNIQUE INDEX i ON ONLY public.part USING btree (id);', 'public', 'part'],
  ['INDEX', 'CREATE INDEX "ON x.y" ON "Shop"."Order Items" USING btree (id);', 'Shop', 'Order Items'],
  [
    'INDEX',
    'CREATE INDEX i ON public."käse$" USING btree (id);\n\nALTER TABLE public.x CLUSTER ON i;',
    'public',
    'käse$',
  ],
  [
    'STATISTICS',
    'CREATE STATISTICS public.s ON EXTRACT(year FROM at), b FROM public."c d";\n\nALTER STATISTICS public.s SET STATISTICS 7;',
    'public',
    'c d',
  ],
  ['MATERIALIZED VIEW', 'CREATE MATERIALIZED VIEW "a.b"."c\nd" AS\n SELECT 1;', 'a.b', 'c\nd'],
  [
    'MATERIALIZED VIEW',
    'SET default_table_access_method = columnar;\nCREATE MATERIALIZED VIEW public.c AS\n SELECT 1;',
    'public',
    'c',
  ],
])('the table of an %s is read from its statement: %s', (type, sql, schema, name) => {
  expect(tableOf({ type, name: 'any', schema: 'any', sql })).toEqual({ schema, name });
});

test('the table of an index whose own name reads like a statement is still its table', () => {
  const sql = 'CREATE INDEX "moved ON public.old" ON public.books USING btree (id);';
  expect(tableOf({ type: 'INDEX', name: 'any', schema: 'public', sql })).toEqual({ schema: 'public', name: 'books' });
});

test.each(['TABLE', 'FK CONSTRAINT', 'TRIGGER', 'INDEX ATTACH', 'COMMENT'])(
  'a %s waits for no single table',
  (type) => {
    expect(tableOf({ type, name: 'x', schema: 'public', sql: 'ALTER TABLE ONLY public.a ADD x ON public.b;' })).toBe(
      undefined,
    );
  },
);
