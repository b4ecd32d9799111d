import type { Plan } from '../plan.ts';
import { displayTable } from '../postgres/names.ts';
import { maskKind, type TableRule } from '../postgres/rules/table-rule.ts';
import type { UnmaskedColumn } from '../postgres/rules/unmasked.ts';
import { columns, counted } from './format.ts';
import { carryText } from './fact-words.ts';
import type { Style } from './style.ts';

/** What the rules make of the data, table by table, and which columns look personal and have none; nothing where there is neither. */
export function rulesLines(plan: Plan, style: Style): string[] {
  const rows = [...ruledTables(plan), ...skippedTables(plan), ...subsetRows(plan), ...afterLoadRows(plan)];
  const told = columns(rows, ['left', 'left'], '  ');
  return [...(told.length === 0 ? [] : [style('strong', 'data rules'), ...told, '']), ...unmaskedLines(plan, style)];
}

/** What becomes of a table's rows and columns, in a few words each: no value, and no SQL but the `where`. */
function ruleParts(rule: TableRule, ownRows?: number): string[] {
  const own = Object.entries(rule.columns);
  const carried = rule.carry?.columns ?? [];
  const masks = own.flatMap(([name, one]) =>
    one.kind === 'mask' ? [`${name} (${maskKind(one.mask)}${one.by === undefined ? '' : `, as ${one.by}`})`] : [],
  );
  const sets = own.flatMap(([name, one]) => (one.kind === 'set' && !carried.includes(name) ? [name] : []));
  const rewrites = rule.rewrite.map(({ from, to }) => `${from} to ${to}`);
  return [
    ...rowsParts(rule, ownRows),
    ...list('mask', masks),
    ...list('set', sets),
    ...list('rewrite', rewrites),
    ...(rule.carry ? [`carry ${carryText(rule.carry)}`] : []),
    ...list('allow', rule.allow),
  ];
}

function rowsParts({ rows, where, ownWhere, onCollision, onOrphan }: TableRule, ownRows: number | undefined): string[] {
  const own = ownRows === undefined ? '' : ` (${counted(ownRows, 'row')})`;
  const limit = ownWhere === undefined ? '' : ` where ${shorten(ownWhere)}`;
  const words = {
    copy: [],
    empty: ['no rows'],
    keep: [`staging's own rows instead${own}${limit}`],
    merge: [`staging's own rows too${own}${limit}, in a collision: ${onCollision}`],
  };
  return [
    ...words[rows],
    ...(where === undefined ? [] : [`where ${shorten(where)}`]),
    ...(onOrphan === 'fail' ? [] : [`without a parent: ${onOrphan}`]),
  ];
}

function list(word: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${word} ${names.join(', ')}`];
}

/** Tables of which the same is said in one line: partitions above all. */
function ruledTables({ steps }: Plan): string[][] {
  const own = new Map(
    steps.flatMap((step) => (step.kind === 'keep-rows' ? [[displayTable(step.table), step.rows]] : [])),
  );
  const byWords = new Map<string, string[]>();
  for (const step of steps) {
    if (step.kind !== 'copy-table' || !step.rule) continue;
    const name = displayTable(step.table);
    const words = ruleParts(step.rule, own.get(name)).join('; ');
    if (words !== '') byWords.set(words, [...(byWords.get(words) ?? []), name]);
  }
  const sorted = [...byWords].map(([words, names]) => [some(names.toSorted(inEnglish)), words]);
  return sorted.toSorted(([one = ''], [other = '']) => inEnglish(one, other));
}

function skippedTables({ steps }: Plan): string[][] {
  return steps.flatMap((step) =>
    step.kind === 'copy-schema' ? step.skip.map((table) => [displayTable(table), 'not made']) : [],
  );
}

function subsetRows({ steps }: Plan): string[][] {
  return steps.flatMap((step) => {
    if (step.kind !== 'select-subset') return [];
    const { from, children } = step.subset;
    const brought = children.map(({ table }) => displayTable(table));
    return [
      ...from.map(({ table, where }) => [
        'subset',
        `from ${displayTable(table)}${where === undefined ? '' : ` where ${shorten(where)}`}`,
      ]),
      ...(brought.length === 0 ? [] : [['', `with the rows that refer to them of ${some(brought, 8)}`]]),
    ];
  });
}

function afterLoadRows({ steps }: Plan): string[][] {
  return steps.flatMap((step) => (step.kind === 'after-load' ? [['after load', wordsOf(step.name)]] : []));
}

function wordsOf(name: string): string {
  return /^afterLoad \d+$/.test(name) ? `${name}: statements of the config itself` : shorten(name);
}

const mostUnmasked = 40;

function unmaskedLines({ unmasked = [], refusals = [] }: Plan, style: Style): string[] {
  // A refusal names each of them too.
  if (unmasked.length === 0 || refusals.some(({ code }) => code === 'unmasked')) return [];
  const rows = unmasked.slice(0, mostUnmasked).map((column) => [nameOfColumn(column), column.reason]);
  const more = unmasked.length - rows.length;
  return [
    style('warn', 'look personal, without a rule: they are copied as they are (database.unmasked: refuse stops that)'),
    ...columns(rows, ['left', 'left'], '  '),
    ...(more > 0 ? [`  and ${more} more, which --json has`] : []),
    '',
  ];
}

function nameOfColumn({ table, column }: UnmaskedColumn): string {
  return `${displayTable(table)}.${column}`;
}

function some(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}

function inEnglish(one: string, other: string): number {
  return one.localeCompare(other, 'en');
}

function shorten(sql: string): string {
  const flat = sql.replaceAll(/\s+/g, ' ').trim();
  return flat.length > 70 ? `${flat.slice(0, 70)}…` : flat;
}
