import type { ComparedSchema, DriftReport } from '../drift.ts';
import type { Drift, DriftedObject, ObjectKind } from '../postgres/drift/drift.ts';
import { count, counted, moment } from './format.ts';
import type { EndNames } from './migrations-text.ts';
import { originText } from './origin-text.ts';
import type { Style } from './style.ts';

/** Both schemas for people: where each was read, how much differs, then every object under its table or kind. */
export function driftText({ source, target, drift, leftOut }: DriftReport, style: Style): string {
  const lines = [
    style('strong', `${source.name} ↔ ${target.name}: schemas`),
    '',
    ...endLines('source', source),
    ...endLines('target', target),
    ...leftOut.map((what) => `  not compared: ${what}`),
    '',
  ];
  const { differences, objects } = drift;
  if (differences.length === 0)
    return [...lines, style('good', `nothing differs: ${counted(objects, 'object')} compared`)].join('\n');
  lines.push(style('strong', headline(drift)));
  const { added, gone, changed } = sorted(differences);
  const told: readonly (readonly [readonly DriftedObject[], string, string])[] = [
    [added, '+', `only in ${source.name}: a sync brings ${itThem(added)}`],
    [gone, '-', `only in ${target.name}: gone after a sync, unless its migrations make ${itThem(gone)}`],
    [
      changed,
      '~',
      `in both, not the same: as in ${source.name} after a sync, until migrations change ${itThem(changed)}`,
    ],
  ];
  for (const [which, mark, words] of told)
    if (which.length > 0) lines.push(`  ${mark} ${count(which.length)} ${words}`);
  const ofTables = differences.filter(({ table }) => table !== undefined);
  const others = differences.filter(({ table }) => table === undefined);
  for (const group of [
    ...Map.groupBy(ofTables, ({ table }) => table).values(),
    ...Map.groupBy(others, ({ kind }) => kind).values(),
  ]) {
    const [first] = group;
    lines.push('', style('strong', first ? visible(first.table ?? plurals[first.kind]) : ''));
    for (const one of group) lines.push(...objectLines(one, [source.name, target.name], style));
  }
  return lines.join('\n');
}

/** A few lines for a plan: how many objects of each kind, and some of their names. */
export function driftSummary(drift: Drift, ends: EndNames): readonly string[] {
  const { differences, objects } = drift;
  if (differences.length === 0) return [`the schemas are the same: ${counted(objects, 'object')} compared`];
  const { added, gone, changed } = sorted(differences);
  const told: readonly (readonly [readonly DriftedObject[], string])[] = [
    [added, `+ only in ${ends.source}`],
    [gone, `- only in ${ends.target}`],
    [changed, '~ not the same'],
  ];
  return [
    headline(drift),
    ...told.flatMap(([which, words]) => (which.length === 0 ? [] : [`${words}: ${someNames(which)}`])),
  ];
}

const plurals: Readonly<Record<ObjectKind, string>> = {
  schema: 'schemas',
  extension: 'extensions',
  table: 'tables',
  column: 'columns',
  constraint: 'constraints',
  index: 'indexes',
  enum: 'enums',
  domain: 'domains',
  type: 'types',
  function: 'functions',
  view: 'views',
  'materialized view': 'materialized views',
  sequence: 'sequences',
  trigger: 'triggers',
  rule: 'rules',
  policy: 'policies',
  statistics: 'statistics',
};

/** 9 of 143 objects differ: 2 tables, 5 columns, 1 index */
function headline({ differences, objects }: Drift): string {
  return `${count(differences.length)} of ${counted(objects, 'object')} ${differences.length === 1 ? 'differs' : 'differ'}: ${kindsOf(differences)}`;
}

function kindsOf(objects: readonly { readonly kind: ObjectKind }[]): string {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  return (Object.keys(plurals) as ObjectKind[]) // the keys of a Record are known
    .flatMap((kind) => {
      const { length } = byKind.get(kind) ?? [];
      return length === 0 ? [] : [counted(length, kind, plurals[kind])];
    })
    .join(', ');
}

function sorted(differences: readonly DriftedObject[]) {
  const {
    added = [],
    gone = [],
    changed = [],
  } = Object.groupBy(differences, ({ source, target }) =>
    target === undefined ? 'added' : source === undefined ? 'gone' : 'changed',
  );
  return { added, gone, changed };
}

function itThem({ length }: readonly unknown[]): string {
  return length === 1 ? 'it' : 'them';
}

const mostNames = 5;

function someNames(objects: readonly DriftedObject[]): string {
  const names = objects.slice(0, mostNames).map(({ kind, name }) => `${kind} ${visible(name)}`);
  const more = objects.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
}

function endLines(side: string, { origin, readAt, revision }: ComparedSchema): string[] {
  return [
    `  ${side}  ${originText(origin)}`,
    `          ${revision === undefined ? '' : `revision ${visible(revision)}, `}read ${moment(readAt)}`,
  ];
}

function objectLines(
  { kind, name, table, source, target }: DriftedObject,
  ends: readonly [string, string],
  style: Style,
): string[] {
  const own = table !== undefined && name.startsWith(`${table}.`) ? name.slice(table.length + 1) : name;
  const called = name === table ? kind : `${kind} ${visible(own)}`;
  // A table's definition begins with what kind of table it is.
  const text = (definition: string) => (kind === 'table' ? alone(definition) : `${called}: ${alone(definition)}`);
  if (target === undefined) return [`  ${style('good', '+')} ${text(source ?? '')}`];
  if (source === undefined) return [`  ${style('bad', '-')} ${text(target)}`];
  const width = Math.max(...ends.map(({ length }) => length));
  const [ours, theirs, where] = pair(source, target);
  return [
    `  ${style('warn', '~')} ${called}${where}`,
    `      ${ends[0].padEnd(width)}  ${ours}`,
    `      ${ends[1].padEnd(width)}  ${theirs}`,
  ];
}

/** Of a definition on one line. */
const mostCharacters = 160;

/** Of what only one has: the first line, and how much there is besides. A table's other lines are its parts. */
function alone(definition: string): string {
  const [first = '', ...parts] = definition.split('\n');
  const kinds = parts.flatMap((part) => {
    const kind = (Object.keys(plurals) as ObjectKind[]).find((one) => part.startsWith(`${one} `)); // the keys of a Record
    return kind === undefined ? [] : [{ kind }];
  });
  const more =
    parts.length === 0
      ? ''
      : kinds.length === parts.length
        ? ` with ${kindsOf(kinds)}`
        : ` … ${counted(parts.length + 1, 'line')}`;
  return `${excerpt(first.trim(), 0)}${more}`;
}

/** Both definitions in short: where they are long, the first lines that differ, and from where on these do. */
function pair(source: string, target: string): readonly [ours: string, theirs: string, where: string] {
  const [a, b] = [source, target].map((text) => text.split('\n').map((line) => line.trim())) as [string[], string[]]; // two of two
  let at = 0;
  while (at < Math.max(a.length, b.length) - 1 && a[at] === b[at]) at += 1;
  const [ours, theirs] = [a[at] ?? '', b[at] ?? ''];
  const where =
    a.length === 1 && b.length === 1 ? '' : `, from line ${count(at + 1)} on (${lengths(a.length, b.length)})`;
  let same = 0;
  while (same < ours.length && ours[same] === theirs[same]) same += 1;
  return [excerpt(ours, same) || '(ends)', excerpt(theirs, same) || '(ends)', where];
}

function lengths(ours: number, theirs: number): string {
  return ours === theirs ? `of ${counted(ours, 'line')}` : `of ${count(ours)} and ${counted(theirs, 'line')}`;
}

/** So much of a line as fits, with the character that matters. */
function excerpt(line: string, matters: number): string {
  const from = line.length <= mostCharacters ? 0 : Math.max(0, matters - Math.floor(mostCharacters / 3));
  const kept = line.slice(from, from + mostCharacters);
  const text = `${from > 0 ? '…' : ''}${kept}${from + mostCharacters < line.length ? '…' : ''}`;
  return visible(text.toWellFormed());
}

/** Without what would move a terminal's cursor: a line break in a name is no line of ours. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[char];
    return known ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
