import type { Plan, PlannedEnd } from '../plan.ts';
import { unmaskedNotes } from '../postgres/rules/unmasked-refusal.ts';
import { bytes, columns, count, counted } from './format.ts';
import { driftSummary } from './drift-text.ts';
import { migrationLines } from './migrations-text.ts';
import { bucketLines } from './plan-objects-text.ts';
import { placeRows } from './parts-text.ts';
import { originText } from './origin-text.ts';
import { replacedLines } from './replaces-text.ts';
import { rulesLines } from './plan-rules-text.ts';
import { willDo } from './step-words.ts';
import type { Style } from './style.ts';

/** A plan for people: both ends, the figures, what will be done. */
export function planText(plan: Plan, style: Style): string {
  const lines = [
    style('strong', `${plan.source.name} → ${plan.target.name}`),
    '',
    ...endLines('source', plan.source, style),
    ...endLines('target', plan.target, style),
    ...tableLines(plan, style),
    ...rulesLines(plan, style),
    ...plan.objects.flatMap((bucket) => bucketLines(bucket, style)),
    ...migrationLines(plan, style),
    ...driftLines(plan, style),
    ...replacedLines(plan, style),
    ...placeLines(plan, style),
    style('strong', plan.steps.length === 0 ? 'nothing is to be done' : 'what will be done'),
    ...stepLines(plan, style),
  ];
  // Which columns are unmasked stands above.
  const known = new Set(unmaskedNotes(plan.unmasked ?? []));
  const notes = plan.notes.filter((note) => !known.has(note));
  if (notes.length > 0) lines.push('', ...notes.map((note) => style('warn', `note: ${note}`)));
  return lines.join('\n');
}

function endLines(side: string, end: PlannedEnd, style: Style): string[] {
  const lines = [`${style('strong', side)}  ${end.name}${end.account ? `, AWS account ${end.account}` : ''}`];
  if (end.database) {
    const { origin, tables, rows, sizeBytes, revision } = end.database;
    lines.push(`  database  ${originText(origin)}`);
    lines.push(
      `            ${counted(tables, 'table')}, ${counted(rows, 'row')}, ${bytes(sizeBytes)}${revision === undefined ? '' : `, revision ${revision}`}`,
    );
  }
  if (end.app) {
    const { url, version, gitSha, environment } = end.app;
    const known = [
      version && `version ${version}`,
      gitSha && `git ${gitSha}`,
      environment && `environment ${environment}`,
    ].filter(Boolean);
    lines.push(`  app       ${url}${known.length > 0 ? `: ${known.join(', ')}` : ''}`);
  }
  return [...lines, ''];
}

/** How both schemas differ, in a few lines; nothing where they do not. */
function driftLines({ drift, source, target }: Plan, style: Style): string[] {
  if (!drift || drift.differences.length === 0) return [];
  return [
    style('strong', 'schema drift'),
    ...driftSummary(drift, { source: source.name, target: target.name }).map((line) => `  ${line}`),
    style('dim', '  each of them: restage drift'),
    '',
  ];
}

/** Which part is made where, if one is made in a function. */
function placeLines(plan: Plan, style: Style): string[] {
  const rows = placeRows(plan);
  return rows.length === 0 ? [] : [style('strong', 'where it is made'), ...columns(rows, ['left', 'left'], '  '), ''];
}

/** From here on a reader wants to know how a table is copied. */
const largeBytes = 100_000_000;

function tableLines(plan: Plan, style: Style): string[] {
  const tables = plan.steps.filter((step) => step.kind === 'copy-table');
  if (tables.length === 0) return [];
  const rows = tables
    .toSorted((a, b) => a.id.localeCompare(b.id, 'en'))
    .map((step) => [
      step.id.slice('copy-table '.length),
      `${step.rowsAreEstimated ? '~' : ''}${count(step.rows)}`,
      bytes(step.bytes),
      step.bytes >= largeBytes ? `${counted(step.parts, 'part')}: ${step.partsReason}` : '',
    ]);
  const total = [
    'total',
    count(tables.reduce((sum, step) => sum + step.rows, 0)),
    bytes(tables.reduce((sum, step) => sum + step.bytes, 0)),
  ];
  const [head = '', ...body] = columns(
    [['tables to copy', 'rows', 'size'], ...[...rows, total].map(([name, ...rest]) => [`  ${name}`, ...rest])],
    ['left', 'right', 'right', 'left'],
  );
  return [style('strong', head), ...body, ''];
}

/** The steps in order, the tables' as one line. */
function stepLines(plan: Plan, style: Style): string[] {
  const rows: string[][] = [];
  for (const step of plan.steps) {
    if (step.kind !== 'copy-table') rows.push([`${rows.length + 1}`, step.kind, willDo(step, plan.target.app?.url)]);
    else if (rows.at(-1)?.[1] !== 'copy-table') {
      const tables = plan.steps.filter(({ kind }) => kind === 'copy-table').length;
      rows.push([
        `${rows.length + 1}`,
        'copy-table',
        `${counted(tables, 'table')}, the largest first, each with its indexes${step.verify === 'content' ? ' and digests' : ''}`,
      ]);
    }
  }
  return columns(
    rows.map(([number = '', kind = '', text = '']) => [style('dim', number), kind, text]),
    ['right', 'left', 'left'],
    '  ',
  );
}
