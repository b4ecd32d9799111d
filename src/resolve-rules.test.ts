import { expect, test } from 'vitest';
import { loadConfig, type Config } from './config.ts';
import type { Column, Table } from './postgres/catalog.ts';
import type { TableName } from './postgres/names.ts';
import { plainRule } from './postgres/rules/table-rule.ts';
import { resolveRules } from './resolve-rules.ts';

const column = (name: string): Column => ({
  name: name.replace(/ generated$/, ''),
  type: 'text',
  base: 'text',
  nature: 'exact',
  generated: name.endsWith(' generated'),
  required: false,
});

/** A table in public, or in the schema before its dot, with these columns; the tables that it is a part of, the nearest first. */
function table(called: string | TableName, columns: readonly string[] = [], ...parents: readonly string[]): Table {
  const named = (name: string): TableName => {
    const [last = '', schema = 'public'] = name.split('.').toReversed();
    return { schema, name: last };
  };
  return {
    table: typeof called === 'string' ? named(called) : called,
    parents: parents.map(named),
    primaryKey: [],
    columns: columns.map(column),
    rows: 1,
    rowsAreEstimated: false,
    neverEstimated: false,
    estimatedRows: 1,
    sizeBytes: 8192,
    indexBytes: 0,
  };
}

function tablesOf(tables: Readonly<Record<string, unknown>>): Config['database']['tables'] {
  const end = (name: string) => ({ name, database: { url: `postgres://u@${name}/d` } });
  const database = { tables, masks: { key: 'a secret of many characters' } };
  return loadConfig({ version: 1, source: end('production'), target: end('staging'), database }).database.tables;
}

/** The rules by table, as far as they say anything; the skipped; what is wrong. */
function resolve(tables: Readonly<Record<string, unknown>>, known: readonly Table[]) {
  const { byTable, skip, problems } = resolveRules(tablesOf(tables), known);
  const entries = [...byTable].map(([name, rule]) => {
    const said = Object.entries(rule).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(plainRule[key as keyof typeof plainRule]),
    );
    return [name.replaceAll('"', '').replace(/^public\./, ''), Object.fromEntries(said)] as const;
  });
  return {
    rules: Object.fromEntries(entries),
    skip: skip.map(({ schema, name }) => (schema === 'public' ? name : `${schema}.${name}`)),
    problems: problems.map(({ code, message }) => {
      expect(code).toBe('config-invalid');
      return message;
    }),
  };
}

const mask = (kind: string) => ({ kind: 'mask', mask: kind });
const set = (sql: string) => ({ kind: 'set', sql });

test('a table that no rule is about has none', () => {
  const known = [table('users', ['email']), table('books'), table('app.users')];
  expect(resolve({ users: { mask: { email: 'email' } }, books: 'copy' }, known)).toEqual({
    rules: { users: { columns: { email: mask('email') } }, books: { whole: true } },
    skip: [],
    problems: [],
  });
});

test('every setting arrives as it is', () => {
  const rule = {
    rows: 'merge',
    where: 'id < 10',
    keep: { where: 'mine' },
    onCollision: 'target',
    onOrphan: 'null',
    carry: { match: 'email', columns: ['sub', 'pin'], default: { sub: "'none'" } },
    set: { note: "'x'" },
    mask: { email: 'email' },
    rewrite: [{ from: 'a', to: '' }],
    allow: ['phone'],
  };
  const columns = ['email', 'sub', 'pin', 'note', 'phone'];
  expect(resolve({ users: rule }, [table('users', columns)]).rules).toEqual({
    users: {
      rows: 'merge',
      where: 'id < 10',
      ownWhere: 'mine',
      onCollision: 'target',
      onOrphan: 'null',
      columns: { note: set("'x'"), sub: set("'none'"), email: mask('email') },
      rewrite: [{ from: 'a', to: '' }],
      carry: { match: ['email'], columns: ['sub', 'pin'] },
      allow: ['phone'],
    },
  });
});

test('a name goes before a pattern wherever it stands, and of patterns the later one', () => {
  const known = [table('t1', ['a', 'b', 'c']), table('t2', ['a', 'b', 'c'])];
  const { rules } = resolve(
    {
      t1: { mask: { a: 'token' }, where: 'by name' },
      't?': { mask: { a: 'hash', b: 'hash', c: 'hash' }, where: 'first', onOrphan: 'drop' },
      't*': { mask: { b: 'email' }, where: 'second' },
    },
    known,
  );
  expect(rules).toEqual({
    t1: { where: 'by name', onOrphan: 'drop', columns: { a: mask('token'), b: mask('email'), c: mask('hash') } },
    t2: { where: 'second', onOrphan: 'drop', columns: { a: mask('hash'), b: mask('email'), c: mask('hash') } },
  });
});

test('the name of a table that has a star in it is a name for that table', () => {
  const known = [table({ schema: 'public', name: 't*' }, ['a']), table('t1', ['a'])];
  expect(resolve({ 't*': { where: 'star' }, '*': { where: 'all' } }, known).rules).toEqual({
    't*': { where: 'star' },
    t1: { where: 'all' },
  });
});

test('of mask, set and the default of what is carried, what is said last stands in a column', () => {
  const known = [table('users', ['email', 'sub', 'note', 'id'])];
  const carry = (sub?: string) => ({ match: 'email', columns: ['sub'], ...(sub ? { default: { sub } } : {}) });
  const columns = (patterned: object, named: object) =>
    (resolve({ '*': patterned, users: named }, known).rules['users'] as { columns: object }).columns;
  expect(columns({ mask: { note: 'text' } }, { set: { note: '1' } })).toEqual({ note: set('1') });
  expect(columns({ set: { note: '1' } }, { mask: { note: 'text' } })).toEqual({ note: mask('text') });
  expect(columns({ mask: { sub: 'token' } }, { carry: carry('0') })).toEqual({ sub: set('0') });
  expect(columns({ carry: carry('0') }, { mask: { sub: 'token' } })).toEqual({ sub: mask('token') });
  expect(columns({ mask: { sub: 'token' } }, { carry: carry() })).toEqual({ sub: mask('token') });
  expect(columns({ set: { sub: '1' } }, { carry: carry('0') })).toEqual({ sub: set('0') });
});

test('rewrites are all made, those of names last, and allowed columns add up', () => {
  const [a, b] = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
  ];
  const { rules } = resolve({ users: { rewrite: [b], allow: ['x', 'y'] }, '*': { rewrite: [a], allow: ['y'] } }, [
    table('users', ['x', 'y']),
  ]);
  expect(rules).toEqual({ users: { rewrite: [a, b], allow: ['y', 'x'] } });
});

test("what a pattern says of production's rows is about none where a name keeps staging's, or leaves the table empty", () => {
  const known = [table('users', ['email']), table('keys', ['email']), table('jobs', ['email'])];
  const all = {
    mask: { email: 'email' },
    where: 'x',
    rewrite: [{ from: 'a', to: 'b' }],
    carry: { match: 'email', columns: ['email'] },
  };
  const { rules } = resolve({ '*': all, keys: 'keep', jobs: 'empty' }, known);
  expect(rules).toMatchObject({ users: { where: 'x' }, keys: { rows: 'keep' }, jobs: { rows: 'empty' } });
  expect([rules['keys'], rules['jobs']]).toEqual([{ rows: 'keep' }, { rows: 'empty' }]);
});

test("a name's keep makes both ends' rows meet whatever a pattern says, and its rows end a pattern's keep", () => {
  const known = [table('a'), table('b'), table('c')];
  const own = { keep: { where: 'mine' } };
  expect(resolve({ '?': 'keep', a: own }, known).rules['a']).toEqual({ rows: 'merge', ownWhere: 'mine' });
  const { rules } = resolve({ '?': own, a: 'empty', b: 'keep', c: { rows: 'merge' } }, known);
  expect(rules).toEqual({ a: { rows: 'empty' }, b: { rows: 'keep' }, c: { rows: 'merge', ownWhere: 'mine' } });
});

test('a rule for a partitioned table holds for its parts, and what is said of a part goes before it', () => {
  const known = [table('log.e_1', ['a', 'b'], 'log.e'), table('log.e_2_x', ['a', 'b'], 'log.e_2', 'log.e')];
  const { rules, problems } = resolve(
    {
      'log.e_2_x': { where: 'part' },
      'log.e_2': { where: 'half', mask: { b: 'hash' } },
      'log.e': { where: 'whole', mask: { a: 'hash', b: 'text' } },
      'log.e*': { where: 'pattern', onOrphan: 'drop' },
    },
    known,
  );
  expect(problems).toEqual([]);
  expect(rules).toEqual({
    'log.e_1': { where: 'whole', onOrphan: 'drop', columns: { a: mask('hash'), b: mask('text') } },
    'log.e_2_x': { where: 'part', onOrphan: 'drop', columns: { a: mask('hash'), b: mask('hash') } },
  });
});

test('a partitioned table is skipped with all its parts, and a part alone', () => {
  const known = [table('e_1', [], 'e'), table('e_2_x', [], 'e_2', 'e'), table('f_1', [], 'f'), table('f_2', [], 'f')];
  const { skip, rules, problems } = resolve({ e: 'skip', f_1: 'skip' }, known);
  expect(skip.toSorted()).toEqual(['e', 'e_1', 'e_2', 'e_2_x', 'f_1']);
  expect([rules, problems]).toEqual([{}, []]);
});

test('a part cannot stay where the whole is skipped', () => {
  const known = [table('e_1', [], 'e'), table('e_2', [], 'e')];
  expect(resolve({ e: 'skip', e_2: 'empty' }, known).problems).toEqual([
    'database.tables: e_2 is a part of e, which is skipped',
  ]);
  expect(resolve({ 'e*': 'skip' }, known)).toMatchObject({ skip: ['e_1', 'e', 'e_2'], problems: [] });
});

test('of a pattern each table gets what it has the columns for', () => {
  const known = [
    table('users', ['email', 'name', 'sub']),
    table('books', ['title', 'name generated']),
    table('subs', ['sub']),
  ];
  const { rules, problems } = resolve(
    {
      '*': {
        mask: { email: 'email', name: 'name' },
        carry: { match: ['email'], columns: ['sub', 'name'] },
        allow: ['title'],
      },
    },
    known,
  );
  expect(problems).toEqual([]);
  expect(rules).toEqual({
    users: {
      columns: { email: mask('email'), name: mask('name') },
      carry: { match: ['email'], columns: ['sub', 'name'] },
    },
    books: { allow: ['title'] },
    subs: {},
  });
});

test.each([
  [{ user: 'keep' }, 'database.tables: the source has no table user; it has users'],
  [{ Users: 'keep' }, 'database.tables: the source has no table Users; it has users'],
  [{ 'log.event': 'keep' }, 'database.tables: the source has no table log.event; it has log.events'],
  [{ 'leg_*': 'skip' }, 'database.tables: the source has no table that leg_* matches'],
  [{ 'user_*': 'skip' }, 'database.tables: the source has no table that user_* matches; it has users'],
  [{ users: { mask: { emial: 'email' } } }, 'database.tables.users: users has no column emial; did you mean email?'],
  [{ users: { allow: ['Email'] } }, 'database.tables.users: users has no column Email; did you mean email?'],
  [{ users: { set: { zzzzzzz: '1' } } }, 'database.tables.users: users has no column zzzzzzz'],
  [
    { users: { carry: { match: 'e_mail', columns: ['sub'] } } },
    'database.tables.users: users has no column e_mail; did you mean email?',
  ],
  [
    { 'log.events': { mask: { ipp: 'ip' } } },
    'database.tables.log.events: log.events has no column ipp; did you mean ip?',
  ],
  [
    { '*': { mask: { emial: 'email' } } },
    'database.tables.*: none of 2 tables has a column emial; did you mean email?',
  ],
  [
    { users: { mask: { lower: 'email' } } },
    "database.tables.users: lower is a generated column: the target's server makes its value",
  ],
])('%j means nothing, and that is told with what is near', (tables, message) => {
  const known = [
    table('users', ['email', 'sub', 'lower generated']),
    table('books', ['title']),
    table('log.events_1', ['ip'], 'log.events'),
    table('log.events_2', ['ip'], 'log.events'),
  ];
  expect(resolve(tables, known).problems).toEqual([message]);
});

test('all that is wrong is told', () => {
  const { problems } = resolve({ a: 'keep', b: 'keep', users: { mask: { x1: 'text' }, set: { x2: '1' } } }, [
    table('users', ['q']),
  ]);
  expect(problems).toHaveLength(4);
});
