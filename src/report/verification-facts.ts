import { comparisonText } from '../app/expected-value.ts';
import { isSameFigure } from '../app/figure.ts';
import type { HealthCheck } from '../app/health.ts';
import { shown } from '../app/shown.ts';
import type { KeySample } from '../references.ts';
import { bytes, count, counted } from './format.ts';
import { factsOf, stepsOf, type Report, type StepOf } from './report.ts';
import { contentText, newerText } from './fact-words.ts';
import type { Style } from './style.ts';

export type Fact = [name: string, text: string];

/** What was compared of tables and objects, each a name and a text; nothing of what was not reached. */
export function dataChecks(report: Report, style: Style): Fact[] {
  const digests = stepsOf(report, 'verify-tables').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const name = step.verify === 'content' ? 'digests' : 'verified';
    const equal = known.different.length === 0;
    const words = equal
      ? style('good', `all ${count(known.tables)} equal`)
      : style('bad', `${count(known.different.length)} of ${count(known.tables)} different`);
    return [[name, `${how(step.verify)}: ${words}`]];
  });
  return [...digests, ...integrityFacts(report, style), ...referenceFacts(report, style)];
}

/** What the listings of both ends were in the end. */
export function objectChecks(report: Report): Fact[] {
  return stepsOf(report, 'verify-objects').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const { same, source, newer, content } = known;
    return [
      [
        `objects ${step.bucket}`,
        `${count(same.objects)} of ${count(source.objects)} equal${newerText(newer.objects)}, ${bytes(source.bytes)} at the source${contentText(content)}`,
      ],
    ];
  });
}

/** What both applications said, each a name and a text. */
export function appChecks(report: Report, style: Style): Fact[] {
  return [...healthFacts(report, style), ...totalFacts(report, style), ...valueFacts(report, style)];
}

function integrityFacts(report: Report, style: Style): Fact[] {
  return stepsOf(report, 'verify-integrity').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const { constraints, indexes, sequences, wrong, told = [] } = known;
    if (wrong.length > 0)
      return named(
        'integrity',
        wrong.map((text) => style('bad', text)),
      );
    // A database without any of them has nothing that could be wrong.
    if (constraints + indexes + sequences + told.length === 0) return [];
    const looked = [
      `${counted(constraints, 'constraint')} and ${counted(indexes, 'index', 'indexes')} valid`,
      ...(sequences === 0 ? [] : [`${counted(sequences, 'sequence')} at or above what is in use`]),
    ].join(', ');
    const but = told.map((text) => style('warn', text));
    return named('integrity', [
      style('good', `${looked}${told.length === 0 ? '' : ', but for what is no fault:'}`),
      ...but,
    ]);
  });
}

function referenceFacts(report: Report, style: Style): Fact[] {
  const lines = stepsOf(report, 'verify-references').flatMap((step) => {
    const known = factsOf(step);
    if (!known) return [];
    const { bucket, columns, named: keys, missing, absent, mustExist } = known;
    const what = `${bucket}: ${counted(keys, 'key')} that rows name in ${columns.join(', ')}`;
    if (missing.keys + absent.keys === 0) return [style('good', `${what}, all are there`)];
    return [
      what,
      ...(missing.keys > 0 ? [style('bad', `${count(missing.keys)} missing in the target${sampleText(missing)}`)] : []),
      ...(absent.keys > 0
        ? [
            style(
              mustExist ? 'bad' : 'warn',
              `${count(absent.keys)} in neither bucket${mustExist ? `, of which ${count(mustExist.keys)} must exist` : ''}${sampleText(mustExist ?? absent)}`,
            ),
          ]
        : []),
    ];
  });
  return named('references', lines);
}

/** , e.g. "books/1.jpg" */
export function sampleText({ examples }: KeySample): string {
  return examples.length === 0
    ? ''
    : `, e.g. ${examples
        .slice(0, 3)
        .map((key) => JSON.stringify(key))
        .join(', ')}`;
}

function healthFacts(report: Report, style: Style): Fact[] {
  return stepsOf(report, 'check-health').flatMap((step): Fact[] => {
    if (step.outcome.status === 'not-run') return [];
    const checks = checksText(factsOf(step)?.checks ?? []);
    const word =
      step.outcome.status === 'done'
        ? style('good', healthWord(report))
        : style('bad', step.outcome.status === 'failed' ? 'not as expected' : 'not known');
    return [['health', checks === '' ? word : `${word}; ${checks}`]];
  });
}

function healthWord({ figures: { health } }: Report): string {
  return typeof health === 'string' ? health : 'as expected';
}

/** What is told of the single checks: many of them are names. */
const mostChecks = 8;

/** database healthy (book_count 153), s3 skipped; those that are not well first. */
function checksText(checks: readonly HealthCheck[]): string {
  const sorted = [...checks.filter(({ healthy }) => !healthy), ...checks.filter(({ healthy }) => healthy)];
  const words = sorted
    .slice(0, mostChecks)
    .map(({ name, status, detail }) => `${name} ${status}${detail === undefined ? '' : ` (${detail})`}`);
  const more = sorted.length - words.length;
  return `${words.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function totalFacts(report: Report, style: Style): Fact[] {
  return stepsOf(report, 'compare-total').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    return [[`${step.read} of ${step.path}`, totalText(report, step, known, style)]];
  });
}

/** 153 (matches production) */
function totalText(
  { source: { name } }: Report,
  { table, outcome }: StepOf<'compare-total'>,
  { source, target }: { readonly source: unknown; readonly target: unknown },
  style: Style,
): string {
  const whose = table === undefined ? name : `the rows of ${table}`;
  const told = figure(target);
  if (isSameFigure(source, target)) return `${told} (${style('good', `matches ${whose}`)})`;
  if (outcome.status === 'done')
    return `${told} (${style('good', `${whose} had it meanwhile`)}, ${figure(source)} now)`;
  return style('bad', `${told}, but ${figure(source)} ${table === undefined ? 'at' : 'are'} ${whose}`);
}

function valueFacts(report: Report, style: Style): Fact[] {
  return stepsOf(report, 'check-value').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const tone = step.outcome.status === 'done' ? 'good' : 'bad';
    const whose = step.end === 'source' ? ` of ${report.source.name}` : '';
    return [
      [
        `${step.read} of ${step.path}${whose}`,
        `${style(tone, figure(known.value))} (expected: ${comparisonText(step)})`,
      ],
    ];
  });
}

/** A number as people write it; anything else as JSON. */
function figure(value: unknown): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return count(value);
  return shown(value);
}

/** The name before the first line, and nothing before the others. */
function named(name: string, lines: readonly string[]): Fact[] {
  return lines.map((line, index) => [index === 0 ? name : '', line]);
}

function how(verify: 'content' | 'rows'): string {
  return verify === 'content' ? 'taken while copying' : 'rows counted while copying, their content not compared';
}
