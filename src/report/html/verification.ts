import type { Report } from '../report.ts';
import { checksOf, type Check } from './checks.ts';
import { dataTable } from './data-table.ts';
import { list } from './list.ts';
import { markup, type Markup } from './markup.ts';
import { sign } from './sign.ts';
import { counted } from '../format.ts';

const signs = { right: 'good', noted: 'warn', wrong: 'bad', told: 'plain', unchecked: 'none' } as const;

/** What was checked, at which end what was found, and whether that is right. */
export function verification(report: Report): Markup | undefined {
  const checks = checksOf(report);
  if (checks.length === 0) return undefined;
  const table = dataTable<Check>(
    [
      {
        head: 'Checked',
        cell: ({ what, how }) =>
          markup`${what}${how === undefined || how === '' ? undefined : markup`<small>${how}</small>`}`,
      },
      { head: report.source.name, cell: ({ source }) => source },
      { head: report.target.name, cell: ({ target }) => target },
      {
        head: 'Result',
        cell: ({ result, words, details }) => markup`${sign(signs[result], words)}${list(details)}`,
      },
    ],
    checks,
    { caption: 'What was verified, by the run itself', narrow: 'stack' },
  );
  return markup`<p>${verdictOf(checks)}</p>${table}`;
}

/** 7 of 9 checks are right; 1 was wrong, 1 was not made. */
function verdictOf(checks: readonly Check[]): string {
  const of = (result: Check['result']) => checks.filter((check) => check.result === result).length;
  const judged = checks.length - of('told');
  const wrong = of('wrong');
  const unmade = of('unchecked');
  if (wrong + unmade === 0) return `${judged === 1 ? 'One check' : `All ${counted(judged, 'check')}`} passed.`;
  if (unmade === judged) return 'The run ended before anything was verified.';
  const parts = [
    `${of('right') + of('noted')} of ${counted(judged, 'check')} passed`,
    ...(wrong > 0 ? [`${wrong} did not`] : []),
    ...(unmade > 0 ? [`${unmade} ${unmade === 1 ? 'was' : 'were'} not made`] : []),
  ];
  return `${parts.join('; ')}.`;
}
