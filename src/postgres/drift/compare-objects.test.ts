import { describe, expect, test } from 'vitest';
import { keepSecret } from '../../errors.ts';
import { compareObjects } from './compare-objects.ts';
import type { SchemaObject, SchemaObjects } from './schema-objects.ts';

function object(
  kind: SchemaObject['kind'],
  name: string,
  definition: string,
  more: Partial<SchemaObject> = {},
): SchemaObject {
  return { kind, schema: 'public', name, definition, compared: () => definition, ...more };
}

function table(
  name: string,
  columns: Readonly<Record<string, string>>,
  more: Partial<SchemaObject> = {},
): SchemaObject[] {
  const parts = Object.entries(columns).map(([column, type]) =>
    object('column', `${name}.${column}`, type, { table: name }),
  );
  return [object('table', name, 'table', { table: name, ...more }), ...parts];
}

function schema(objects: readonly SchemaObject[], version = 18): SchemaObjects {
  return { version, objects };
}

function differences(source: readonly SchemaObject[], target: readonly SchemaObject[]) {
  return compareObjects(schema(source), schema(target)).differences;
}

test('the same schema has no differences, and says how many objects were compared', () => {
  const books = table('books', { id: 'integer', title: 'text' });
  expect(compareObjects(schema(books), schema(books))).toEqual({ objects: 3, differences: [] });
});

test('a column that one has, or has otherwise, is told behind its table', () => {
  const told = differences(
    table('books', { id: 'integer', title: 'text', price: 'numeric' }),
    table('books', { id: 'bigint', title: 'text', mood: 'text' }),
  );
  expect(told).toEqual([
    { kind: 'column', name: 'books.id', table: 'books', source: 'integer', target: 'bigint' },
    { kind: 'column', name: 'books.mood', table: 'books', target: 'text' },
    { kind: 'column', name: 'books.price', table: 'books', source: 'numeric' },
  ]);
});

test('a table that only one has is told once, with what it is made of', () => {
  const index = object('index', 'by_title', 'CREATE INDEX …', { table: 'books' });
  const sequence = object('sequence', 'books_id_seq', 'integer', { table: 'books', column: 'books.id' });
  expect(differences([...table('books', { id: 'integer' }), index, sequence], [])).toEqual([
    {
      kind: 'table',
      name: 'books',
      table: 'books',
      source: 'table\ncolumn id: integer\nindex by_title: CREATE INDEX …\nsequence books_id_seq: integer',
    },
  ]);
});

test('a sequence of a column that only one has is told by the column', () => {
  const sequence = object('sequence', 'books_n_seq', 'integer', { table: 'books', column: 'books.n' });
  const told = differences(
    [...table('books', { id: 'integer', n: 'integer' }), sequence],
    table('books', { id: 'integer' }),
  );
  expect(told.map(({ name }) => name)).toEqual(['books.n']);
});

test('the same columns in another order are told once, by the table', () => {
  const told = differences(
    table('books', { a: 'text', b: 'text', c: 'text' }),
    table('books', { b: 'text', a: 'text', d: 'text' }),
  );
  expect(told.slice(0, 1)).toEqual([
    {
      kind: 'table',
      name: 'books',
      table: 'books',
      source: 'table, columns in the order a, b',
      target: 'table, columns in the order b, a',
    },
  ]);
  expect(told).toHaveLength(3);
});

test('the order of columns of a part or child is that of how it was made, and not told', () => {
  expect(
    differences(
      table('part', { a: 'text', b: 'text' }, { ofParent: true }),
      table('part', { b: 'text', a: 'text' }, { ofParent: true }),
    ),
  ).toEqual([]);
});

describe('a column that is as its parent has it', () => {
  const part = (type: string, more: Partial<SchemaObject> = {}) => [
    object('table', 'part', 'partition', { table: 'part', ofParent: true }),
    object('column', 'part.a', type, { table: 'part', ofParent: true, ...more }),
  ];
  test('is told by the parent', () => {
    const told = differences(
      [...table('whole', { a: 'text' }), ...part('text')],
      [...table('whole', { a: 'integer' }), ...part('integer')],
    );
    expect(told.map(({ name }) => name)).toEqual(['whole.a']);
  });
  test('is told too where the other end has it otherwise than its parent', () => {
    const { ofParent: _, ...own } = object('column', 'part.a', 'text default 1', { table: 'part' });
    const told = differences(
      [...table('whole', { a: 'text' }), ...part('text')],
      [...table('whole', { a: 'text' }), ...part('text').slice(0, 1), own],
    );
    expect(told).toEqual([{ kind: 'column', name: 'part.a', table: 'part', source: 'text', target: 'text default 1' }]);
  });
  test('is not told where only one has it', () => {
    const told = differences(
      [...table('whole', { a: 'text' }), ...part('text')],
      [...table('whole', {}), ...part('text').slice(0, 1)],
    );
    expect(told.map(({ name }) => name)).toEqual(['whole.a']);
  });
});

test('what is skipped is told of neither, nor are foreign keys to it', () => {
  const key = object('constraint', 'books.author', 'FOREIGN KEY …', { table: 'books', refers: 'authors' });
  const extension = object('extension', 'citext', 'version 1');
  const sequence = object('sequence', 'authors_seq', 'integer');
  const source = schema([
    ...table('books', { id: 'integer' }),
    ...table('authors', { id: 'integer' }),
    key,
    extension,
    sequence,
  ]);
  const skip = [
    { schema: 'public', name: 'authors' },
    { schema: 'public', name: 'authors_seq' },
  ];
  const told = compareObjects(source, schema(table('books', { id: 'integer' })), { skip, skipExtensions: ['citext'] });
  expect(told).toEqual({ objects: 2, differences: [] });
});

test('what a server brings along is compared within a version only', () => {
  const one = object('extension', 'citext', 'version 1.6', { acrossVersions: 'offered' });
  const other = object('extension', 'citext', 'version 1.7', { acrossVersions: 'offered' });
  expect(compareObjects(schema([one], 15), schema([other], 18)).differences).toEqual([]);
  expect(compareObjects(schema([one]), schema([other])).differences).toHaveLength(1);
  expect(
    compareObjects(schema([one], 15), schema([object('extension', 'citext', 'version 1.7')], 18)).differences,
  ).toHaveLength(1);
});

test('no secret that is known, and no password, is in a definition', () => {
  keepSecret('a-secret-of-this-test');
  const [told] = differences(
    [object('function', 'f()', `select dblink('password=hunter22 host=x', 'a-secret-of-this-test')`)],
    [],
  );
  expect(told?.source).toBe(`select dblink('password=*** host=x', '***')`);
});

test('a long definition is cut to where it differs, and says how long it is', () => {
  const long = 'x'.repeat(100_000);
  const [told] = differences(
    [object('function', 'f()', `${long}a${long}`)],
    [object('function', 'f()', `${long}b${long}`)],
  );
  expect(told?.source).toMatch(/^…x{800}ax+… \(200001 characters in all\)$/);
  expect(told?.target).toMatch(/^…x{800}bx+… \(200001 characters in all\)$/);
  expect(told?.source?.length).toBeLessThan(8_100);
});

test('the whole stays small where databases have nothing in common', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => object('function', `f${index}()`, 'x'.repeat(20_000)));
  const size = JSON.stringify(differences(many, [])).length;
  expect(size).toBeLessThan(3_000_000);
  expect(differences(many, [])).toHaveLength(2_000);
});

test('the order is that of schema, table, kind and name', () => {
  const told = differences(
    [
      object('function', 'zero()', ''),
      object('index', 'a_index', '', { table: 'books' }),
      ...table('books', { z: 'text', a: 'text' }),
      object('enum', 'other.mood', '', { schema: 'other' }),
      object('constraint', 'books.key', '', { table: 'books' }),
    ],
    table('books', {}),
  );
  expect(told.map(({ name }) => name)).toEqual(['other.mood', 'books.a', 'books.z', 'books.key', 'a_index', 'zero()']);
});
