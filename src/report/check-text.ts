import type { Finding } from '../check.ts';
import type { Style, Tone } from './style.ts';

const marks = {
  right: ['✓', 'good'],
  note: ['!', 'warn'],
  wrong: ['✗', 'bad'],
  'not-tried': ['–', 'warn'],
} as const satisfies Record<Finding['verdict'], readonly [string, Tone]>;

/** Below that the configured and the found share a column. */
const leastFound = 36;
const mostConfigured = 36;
const leastShared = 30;
const indent = '      ';

/**
 * The findings as one table by groups, each with its fix below it, and the verdict at the end. `width`: of the terminal,
 * which long values are wrapped to; without one each row is a line, for programs that look at lines.
 */
export function checkText(findings: readonly Finding[], style: Style, width?: number): string {
  const widths = columnsOf(findings, width);
  const isNarrow = widths.length === 2;
  const title = isNarrow ? ['setting', 'configured → found'] : ['setting', 'configured', 'found'];
  const lines = [...Map.groupBy(findings, ({ group }) => group)].flatMap(([group, rows]) => [
    style('strong', group),
    ...folded(rows).flatMap((row) => linesOf(row, widths, style, width)),
    '',
  ]);
  return [style('dim', `    ${inColumns([title], widths)[0]}`), ...lines, verdictOf(findings, style)].join('\n');
}

/** How wide setting, configured and found are; or setting, and both others in one. */
function columnsOf(findings: readonly Finding[], width = Number.POSITIVE_INFINITY): readonly number[] {
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(lengthOf));
  const setting = longest(['setting', ...findings.map((finding) => finding.setting)]);
  const widest = longest(['configured', ...findings.map((finding) => finding.configured)]);
  const configured = width === Number.POSITIVE_INFINITY ? widest : Math.min(widest, mostConfigured);
  const rest = width - 4 - setting - 2;
  const found = rest - configured - 2;
  return found >= leastFound ? [setting, configured, found] : [setting, Math.max(leastShared, rest)];
}

function linesOf(
  { setting, configured, found, verdict, fix }: Finding,
  widths: readonly number[],
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const [mark, tone] = marks[verdict];
  const shared = configured === '' ? found : `${configured} → ${found}`;
  const cells = widths.length === 2 ? [setting, shared] : [setting, configured, found];
  const wrapped = cells.map((cell, index) => wrap(cell, widths[index] ?? 0));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  const rows = Array.from({ length: height }, (_, line) => wrapped.map((lines) => lines[line] ?? ''));
  const inner = Math.max(leastShared, width - indent.length);
  const mend = fix === undefined ? [] : wrap(`fix: ${fix}`, inner);
  return [
    ...inColumns(rows, widths).map((row, line) => `  ${line === 0 ? style(tone, mark) : ' '} ${row}`.trimEnd()),
    ...mend.map((line) => `${indent}${style('warn', line)}`),
  ];
}

function inColumns(rows: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const pad = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - lengthOf(text)));
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : pad(cell, widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function lengthOf(text: string): number {
  return Array.from(text).length;
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

/** A text in lines of this width, broken between words; within one only where it is longer than a line. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((part) => {
    const lines: string[] = [];
    let line = '';
    for (const word of part.split(' ')) {
      const joined = line === '' ? word : `${line} ${word}`;
      if (lengthOf(joined) <= width) line = joined;
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
