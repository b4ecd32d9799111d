import { expect, test } from 'vitest';
import { readPython } from './python-assignments.ts';

const read = (text: string, nested = false) =>
  readPython(text, ['revision', 'down_revision', 'dependencies'], { nested });
const valueOf = (text: string) => read(`revision = ${text}\n`).assigned.get('revision');

test.each([
  [`'a'`, 'a'],
  [`"a" 'b'`, 'ab'],
  [`r'a\\d'`, 'a\\d'],
  [`u"it's"`, `it's`],
  [`'it\\'s'`, `it's`],
  ['None', null],
  [`('a')`, 'a'],
  [`('a',)`, ['a']],
  [`["a", 'b']  # and more`, ['a', 'b']],
  [`(\n  # of both\n  'a',\n  'b',\n)`, ['a', 'b']],
  [`[('books', '0001'), call('a', b=[1]), ("shop", "0002")]`, [['books', '0001'], undefined, ['shop', '0002']]],
  [`f'{a}'`, undefined],
  [`b'a'`, undefined],
  [`'a' + 'b'`, undefined],
  [`'a'.lower()`, undefined],
  [`get()`, undefined],
  [`None or 'a'`, undefined],
])('the value of %s is read, or is not known', (text, value) => {
  expect(valueOf(text)).toEqual(value);
});

test('only what stands at the top level counts, with or without an annotation', () => {
  const text = `"""Doc\nrevision = 'doc'\n"""\ndef f():\n    revision = 'inner'\nx.revision = 'other'\nrevision == 'same'\nrevision: Union[str, None] = 'mine'\nrevision = 'again'\n`;
  expect(read(text)).toMatchObject({ docstring: "Doc\nrevision = 'doc'\n", assigned: new Map([['revision', 'mine']]) });
  expect(read(text, true).assigned.get('revision')).toBe('inner');
});

test('a class says what it is made from', () => {
  expect(read('class Migration(migrations.Migration):\n    dependencies = []\n', true)).toEqual({
    docstring: undefined,
    assigned: new Map([['dependencies', []]]),
    classes: ['class Migration ( migrations . Migration ) :'],
  });
});

test('what is no Python, or ends too soon, breaks nothing', () => {
  for (const text of [
    'revision = (',
    'revision = [1, (',
    "revision = 'open",
    '"""open',
    "revision = '\\",
    ')))',
    'revision',
    'revision: x',
    '\uFEFFrevision = 1',
    '\0\u2028',
  ]) {
    expect(() => read(text, true)).not.toThrow();
  }
  expect(read(`rows = """${'a\n'.repeat(2_000_000)}"""\nrevision = 'a'\n`).assigned.get('revision')).toBe('a');
});
