import type { Finding } from '../check.ts';
import type { Style, Tone } from './style.ts';

const marks = {
  right: ['✓', 'good'],
  note: ['!', 'warn'],
  wrong: ['✗', 'bad'],
  'not-tried': ['–', 'warn'],
} as const satisfies Record<Finding['verdict'], readonly [string, Tone]>;

const head = ['setting', 'configured', 'found'] as const;
/** Below that the found has lines of its own. */
const leastFound = 36;
const mostConfigured = 36;
const indent = '      ';

/**
 * The findings as one table by groups, each with its fix below it, and the verdict at the end. `width`: of the terminal,
 * which long values are wrapped to; without one each row is a line, for programs that look at lines.
 */
export function checkText(findings: readonly Finding[], style: Style, width?: number): string {
  const widths = columnsOf(findings, width);
  const lines = [...Map.groupBy(findings, ({ group }) => group)].flatMap(([group, rows]) => [
    style('strong', group),
    ...folded(rows).flatMap((row) => linesOf(row, widths, style, width)),
    '',
  ]);
  const [setting, configured, found] = head;
  const title = [
    setting.padEnd(widths.setting),
    widths.found === undefined ? configured : configured.padEnd(widths.configured),
    widths.found === undefined ? '' : found,
  ];
  return [style('dim', `    ${title.join('  ')}`.trimEnd()), ...lines, verdictOf(findings, style)].join('\n');
}

/** What is not tried for one reason, and no setting, is told together: a wrong profile has twenty such rows. */
function folded(rows: readonly Finding[]): Finding[] {
  const told: Finding[] = [];
  for (const [index, row] of rows.entries()) {
    const isOne = (other: Finding | undefined) =>
      other?.verdict === 'not-tried' && other.configured === '' && other.found === row.found;
    if (!isOne(row)) told.push(row);
    else if (!isOne(rows[index - 1])) {
      const next = rows.findIndex((other, at) => at > index && !isOne(other));
      const many = (next === -1 ? rows.length : next) - index;
      told.push(many === 1 ? row : { ...row, setting: `${many} more` });
    }
  }
  return told;
}

interface Widths {
  readonly setting: number;
  readonly configured: number;
  /** Undefined where the found stands on lines of its own. */
  readonly found: number | undefined;
}

function columnsOf(findings: readonly Finding[], width: number | undefined): Widths {
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => Array.from(text).length));
  const setting = longest([head[0], ...findings.map((finding) => finding.setting)]);
  const configured = longest([head[1], ...findings.map((finding) => finding.configured)]);
  if (width === undefined) return { setting, configured, found: Number.POSITIVE_INFINITY };
  const capped = Math.min(configured, mostConfigured);
  const found = width - 4 - setting - 2 - capped - 2;
  if (found >= leastFound) return { setting, configured: capped, found };
  return { setting, configured: Math.max(10, width - 4 - setting - 2), found: undefined };
}

function linesOf(
  { setting, configured, found, verdict, fix }: Finding,
  widths: Widths,
  style: Style,
  width: number | undefined,
): string[] {
  const [mark, tone] = marks[verdict];
  const inner = width === undefined ? Number.POSITIVE_INFINITY : Math.max(20, width - indent.length);
  const [name, said, seen] = [
    [setting],
    wrap(configured, widths.configured),
    widths.found === undefined ? [] : wrap(found, widths.found),
  ] as const;
  const height = Math.max(1, said.length, seen.length);
  const rows = Array.from({ length: height }, (_, line) =>
    [(name[line] ?? '').padEnd(widths.setting), pad(said[line] ?? '', widths.configured), seen[line] ?? '']
      .join('  ')
      .trimEnd(),
  );
  const below = widths.found === undefined ? wrap(found, inner) : [];
  const mend = fix === undefined ? [] : wrap(`fix: ${fix}`, inner);
  return [
    ...rows.map((row, line) => `  ${line === 0 ? style(tone, mark) : ' '} ${row}`.trimEnd()),
    ...below.map((line) => `${indent}${line}`),
    ...mend.map((line) => `${indent}${style('warn', line)}`),
  ];
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - Array.from(text).length));
}

/** A text in lines of this width, broken between words; within one only where it is longer than a line. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((part) => {
    const lines: string[] = [];
    let line = '';
    for (const word of part.split(' ')) {
      const joined = line === '' ? word : `${line} ${word}`;
      if (Array.from(joined).length <= width) line = joined;
      else {
        if (line !== '') lines.push(line);
        line = word;
        for (let rest = Array.from(line); rest.length > width; rest = Array.from(line)) {
          lines.push(rest.slice(0, width).join(''));
          line = rest.slice(width).join('');
        }
      }
    }
    return [...lines, line];
  });
}

function verdictOf(findings: readonly Finding[], style: Style): string {
  const of = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length;
  const [right, notes, wrong, untried] = [of('right'), of('note'), of('wrong'), of('not-tried')];
  const known = [right > 0 && `${right} right`, notes > 0 && `${notes} to know`];
  if (wrong + untried === 0) return style('good', `nothing is wrong: ${known.filter(Boolean).join(', ')}`);
  const bad = [`${wrong} wrong`, untried > 0 && `${untried} not tried because of that`, ...known];
  return style('bad', bad.filter(Boolean).join(', '));
}
