import { displayTable, type TableName } from '../postgres/names.ts';
import type { TableRule } from '../postgres/rules/table-rule.ts';
import { count, counted } from './format.ts';
import { factsOf, stepsOf, type Report } from './report.ts';
import { carryText } from './fact-words.ts';

type Fact = [name: string, text: string];

/** As much of a report as is told of here. */
type Told = Pick<Report, 'steps'> & { readonly target: Pick<Report['target'], 'name'> };

/** What the rules of the config have made of the data, each a name and a text; nothing of what no rule is about. */
export function ruleFacts(report: Told): Fact[] {
  const copied = stepsOf(report, 'copy-table').flatMap(({ table, rule, outcome }) =>
    rule && outcome.status === 'done' ? [{ table, rule, rows: outcome.facts.rows }] : [],
  );
  const empty = copied.filter(({ rule }) => rule.rows === 'empty').map(({ table }) => displayTable(table));
  const skipped = stepsOf(report, 'copy-schema').flatMap((step) => (factsOf(step) ? step.skip.map(displayTable) : []));
  return [
    ...named('masked', linesOf(copied, masksOf)),
    ...named('set', linesOf(copied, setsOf)),
    ...named('rewritten', linesOf(copied, rewritesOf)),
    ...named(
      'limited',
      linesOf(copied, ({ where }, rows) => (where === undefined ? '' : `${counted(rows, 'row')} by its where`)),
    ),
    ...named('left empty', empty.length === 0 ? [] : [empty.toSorted().join(', ')]),
    ...named('not made', skipped.length === 0 ? [] : [skipped.join(', ')]),
    ...subsetFacts(report),
    ...named(
      'leak scan',
      stepsOf(report, 'scan-leaks').flatMap((step) => scanText(factsOf(step))),
    ),
    ...named('kept', keptLines(report)),
    ...named('carried', carriedLines(report)),
    ...named('orphans', orphanLines(report)),
    ...named('afterLoad', afterLoadLines(report)),
  ];
}

/** The name before the first line, and nothing before the others. */
function named(name: string, lines: readonly string[]): Fact[] {
  return lines.map((line, index) => [index === 0 ? name : '', line]);
}

const mostLines = 10;

/** One line for each table that has something to say; of very many the first. */
function linesOf(
  tables: readonly { readonly table: TableName; readonly rule: TableRule; readonly rows: number }[],
  tell: (rule: TableRule, rows: number) => string,
): string[] {
  const lines = tables
    .map(({ table, rule, rows }) => ({ name: displayTable(table), text: tell(rule, rows) }))
    .filter(({ text }) => text !== '')
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(({ name, text }) => `${name}: ${text}`);
  return lines.length <= mostLines
    ? lines
    : [...lines.slice(0, mostLines - 1), `and ${counted(lines.length - mostLines + 1, 'further table')}`];
}

/** email, first_name; customer_email as users.email */
function masksOf({ columns }: TableRule): string {
  return Object.entries(columns)
    .flatMap(([name, rule]) => (rule.kind === 'mask' ? [rule.by === undefined ? name : `${name} as ${rule.by}`] : []))
    .join(', ');
}

/** What is put in place of production's value; a default of a carried column is told with what is carried. */
function setsOf({ columns, carry }: TableRule): string {
  return Object.entries(columns)
    .flatMap(([name, { kind }]) => (kind === 'set' && !carry?.columns.includes(name) ? [name] : []))
    .join(', ');
}

function rewritesOf({ rewrite }: TableRule): string {
  return rewrite.map(({ from, to }) => `${from} to ${to}`).join(', ');
}

function subsetFacts(report: Told): Fact[] {
  return stepsOf(report, 'select-subset').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const rows = known.tables.reduce((sum, table) => sum + table.rows, 0);
    return [['subset', `${counted(rows, 'row')} of ${counted(known.tables.length, 'table')}, with all that they need`]];
  });
}

function scanText(
  known: { readonly values: number; readonly rows: number; readonly leaks: readonly string[] } | undefined,
) {
  if (!known) return [];
  const looked = `${counted(known.values, 'real value')} of masked columns looked for in ${counted(known.rows, 'row')}`;
  return [
    known.leaks.length === 0 ? `${looked}: none found` : `${looked}: found in ${counted(known.leaks.length, 'column')}`,
  ];
}

function keptLines(report: Told): string[] {
  return stepsOf(report, 'keep-rows').flatMap((step) => {
    const known = factsOf(step);
    if (!known) return [];
    const beside = step.rule.rows === 'merge' ? "beside the source's" : "instead of the source's";
    const more = [
      ...(known.kept < known.read ? [`${count(known.read - known.kept)} gave way to the source's`] : []),
      ...(known.replaced > 0 ? [`${count(known.replaced)} of the source's gave way`] : []),
    ];
    return [
      [
        `${displayTable(step.table)}: ${counted(known.kept, 'row')} of ${report.target.name}'s own, ${beside}`,
        ...more,
      ].join('; '),
    ];
  });
}

function carriedLines(report: Told): string[] {
  return stepsOf(report, 'carry-values').flatMap((step) => {
    const known = factsOf(step);
    const { carry } = step.rule;
    if (!known || !carry) return [];
    return [
      `${displayTable(step.table)}: ${carryText(carry)}, in ${count(known.carried)} of ${counted(known.rows, 'row')}`,
    ];
  });
}

function orphanLines(report: Told): string[] {
  return stepsOf(report, 'settle-orphans').flatMap((step) =>
    (factsOf(step)?.orphans ?? []).map(
      ({ table, key, parent, rows, became }) =>
        `${displayTable(table)}: ${counted(rows, 'row')} without ${rows === 1 ? 'its' : 'their'} ${displayTable(parent)} (${key}), ${became === 'null' ? 'set to null' : 'dropped'}`,
    ),
  );
}

/** cancel-jobs.sql: 3 rows of analysis_jobs, 1 row of eval_runbook_jobs */
function afterLoadLines(report: Told): string[] {
  const steps = stepsOf(report, 'after-load');
  return steps.flatMap((step) => {
    const known = factsOf(step);
    if (!known) return [];
    const changed = known.changed.map(({ table, rows }) => `${counted(rows, 'row')} of ${displayTable(table)}`);
    const text =
      changed.length === 0
        ? `${counted(known.counts.length, 'statement')}, no row changed`
        : `${changed.join(', ')} changed`;
    return [steps.length === 1 && /^afterLoad \d+$/.test(step.name) ? text : `${step.name}: ${text}`];
  });
}
