import { redact, type Failure } from '../../errors.ts';
import type { Finding } from '../../check.ts';
import type { Plan } from '../../plan.ts';
import type { Verification } from '../../verify.ts';
import { count, moment } from '../format.ts';
import { table } from './table.ts';
import { code, escaped, fenced } from './text.ts';
import { planText } from '../plan-text.ts';
import { plain } from '../style.ts';
import { verificationText } from '../verification-text.ts';

// What commands other than sync found, as Markdown for pages that show nothing else.

/** A plan, its refusals first. */
export function planMarkdown(plan: Plan): string {
  const { refusals = [] } = plan;
  return page([
    `## ${escaped(plan.source.name)} to ${escaped(plan.target.name)}: ${refusals.length > 0 ? 'a plan that is refused' : 'the plan'}`,
    '',
    ...refusals.flatMap((failure) => failureLines(failure)),
    `Made ${moment(plan.madeAt)}. Nothing was changed.`,
    '',
    ...fenced(planText(plan, plain).split('\n')),
  ]);
}

/** A verification: the differences first. */
export function verificationMarkdown(found: Verification): string {
  const { differences } = found;
  return page([
    `## ${escaped(found.target)} compared with ${escaped(found.source)}: ${differences.length === 0 ? 'equal' : differences.length === 1 ? 'one difference' : `${count(differences.length)} differences`}`,
    '',
    ...differences.map((line) => `- ${escaped(line)}`),
    ...(differences.length > 0 ? [''] : []),
    ...fenced(verificationText(found, plain).split('\n')),
  ]);
}

const marks = { right: '✓', note: '!', wrong: '✗', 'not-tried': '–' } as const satisfies Record<
  Finding['verdict'],
  string
>;

/** Every row of a check, those that are wrong first. */
export function checkMarkdown(findings: readonly Finding[]): string {
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong').length;
  const order = ['wrong', 'not-tried', 'note', 'right'];
  const rows = findings
    .toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
    .map(({ setting, configured, found, verdict, fix }) => [
      marks[verdict],
      escaped(setting),
      escaped(configured),
      escaped(fix === undefined ? found : `${found}\n${fix}`),
    ]);
  return page([
    `## restage check: ${wrong === 0 ? 'nothing is wrong' : `${count(wrong)} wrong`}`,
    '',
    ...table(['', 'Setting', 'Configured', 'Found'], rows),
  ]);
}

/** Why a command ended before it could do what it was asked for. */
export function failureMarkdown(command: string, failure: Failure): string {
  return page([`## ${escaped(command)}: ${code(failure.code)}`, '', ...failureLines(failure)]);
}

function failureLines({ message, hint }: Failure): string[] {
  return [...fenced(message.split('\n')), '', ...(hint === undefined ? [] : [escaped(hint), ''])];
}

function page(lines: readonly string[]): string {
  return redact(lines.join('\n'));
}
