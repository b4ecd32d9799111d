import type { Finding } from '../check.ts';
import { fit } from './fit.ts';
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
/** A command or a policy in a fix: in lines of ours it could not be pasted, in the terminal's it can. */
const isCopied = /\b(?:aws|export|npx restage) \S|\brestage (?:check|init|plan|protect|sync|verify)\b|\{["\s]/;

export interface CheckTextOptions {
  /** Of the terminal, which long values are wrapped to; without one each row is a line, for programs that look at lines. */
  readonly width?: number | undefined;
  /** The rows that are told, where not all are; the verdict counts the others too. */
  readonly tells?: ((finding: Finding) => boolean) | undefined;
}

/** The findings as one table by groups, each with its fix below it, and the verdict on all of them at the end. */
export function checkText(
  findings: readonly Finding[],
  style: Style,
  { width, tells = () => true }: CheckTextOptions = {},
): string {
  const told = findings.filter((finding) => tells(finding));
  const verdict = fit(verdictOf(findings, style), width);
  if (told.length === 0) return verdict;
  const widths = columnsOf(told, width);
  const isNarrow = widths.length === 2;
  const title = isNarrow ? ['setting', 'configured → found'] : ['setting', 'configured', 'found'];
  const lines = [...Map.groupBy(told, ({ group }) => group)].flatMap(([group, rows]) => [
    style('strong', group),
    ...folded(rows).flatMap((row) => linesOf(row, widths, style, width)),
    '',
  ]);
  return [style('dim', `    ${inColumns([title], widths)[0]}`), ...lines, verdict].join('\n');
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
  const mend = (fix === undefined ? [] : `fix: ${fix}`.split('\n')).flatMap((text) =>
    isCopied.test(text) ? [text] : wrap(text, inner),
  );
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

/** What is not tried for one reason, and no setting, is told together, last: a wrong profile has twenty such rows. */
function folded(rows: readonly Finding[]): Finding[] {
  const isOne = ({ verdict, configured }: Finding) => verdict === 'not-tried' && configured === '';
  const byReason = Map.groupBy(rows.filter(isOne), ({ found }) => found);
  return [
    ...rows.filter((row) => !isOne(row)),
    ...[...byReason.values()].flatMap(([first, ...more]) =>
      first && more.length > 0 ? [{ ...first, setting: `${more.length + 1} more` }] : first ? [first] : [],
    ),
  ];
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

/** By name too: in a long table their rows are out of sight. */
function wrongOnes(findings: readonly Finding[]): string {
  const names = findings.filter(({ verdict }) => verdict === 'wrong').map(({ setting }) => setting);
  const others = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `${names.length} wrong${names.length === 0 ? '' : ` (${names.slice(0, mostNamed).join(', ')}${others})`}`;
}

const mostNamed = 5;

function verdictOf(findings: readonly Finding[], style: Style): string {
  const of = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length;
  const [right, notes, wrong, untried] = [of('right'), of('note'), of('wrong'), of('not-tried')];
  const known = [right > 0 && `${right} right`, notes > 0 && `${notes} to know`];
  if (wrong + untried === 0) return style('good', `nothing is wrong: ${known.filter(Boolean).join(', ')}`);
  const bad = [wrongOnes(findings), untried > 0 && `${untried} not tried because of that`, ...known];
  return style('bad', bad.filter(Boolean).join(', '));
}
