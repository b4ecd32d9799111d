import { displayTable } from '../../postgres/names.ts';
import { maskKind } from '../../postgres/rules/table-rule.ts';
import { count, counted } from '../format.ts';
import { stepsOf, type Report } from '../report.ts';
import { ruleFacts } from '../rules-summary.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { markup, named, type Markup } from './markup.ts';
import { sign } from './sign.ts';

interface MaskedColumn {
  readonly table: string;
  readonly column: string;
  readonly mask: string;
  readonly by?: string | undefined;
  /** Absent: the table was not copied to its end. */
  readonly done: boolean;
}

/** What the rules of the config have made of the data: the masks column by column, the rest in a line each. */
export function rules(report: Report): Markup | undefined {
  const masked = maskedColumns(report);
  // The masks have a table of their own.
  const rest = withoutFirst(ruleFacts(report), 'masked');
  const personal = report.unmasked ?? [];
  if (masked.length + rest.length + personal.length === 0) return undefined;
  return markup`${masked.length === 0 ? undefined : maskTable(masked, report.source.name)}${facts(rest)}${personal.length === 0 ? undefined : personalTable(personal)}`;
}

function maskTable(masked: readonly MaskedColumn[], source: string): Markup {
  return markup`<p>${counted(masked.length, 'column')} masked by ${source}’s own server, before their values leave it.</p>${dataTable<MaskedColumn>(
    [
      { head: 'Column', cell: ({ table, column }) => named(`${table}.${column}`) },
      {
        head: 'Mask',
        cell: ({ mask, by }) => (by === undefined ? mask : `${mask}, as ${by}`),
        choice: ({ mask }) => mask,
      },
      { head: 'Result', cell: ({ done }) => (done ? sign('good', 'masked') : sign('none', 'not copied')) },
    ],
    masked,
    { caption: 'Masked columns', narrow: 'scroll', fits: true, sorts: 'columns' },
  )}`;
}

function personalTable(personal: NonNullable<Report['unmasked']>): Markup {
  return markup`<p>${sign('warn', personal.length === 1 ? '1 column looks personal, has no rule, and comes as it is.' : `${count(personal.length)} columns look personal, have no rule, and come as they are.`)}</p>${dataTable<
    (typeof personal)[number]
  >(
    [
      { head: 'Column', cell: ({ table, column }) => named(`${displayTable(table)}.${column}`) },
      { head: 'Why it looks so', wide: true, cell: ({ reason }) => reason },
    ],
    personal,
    { caption: 'Columns that look personal, without a rule', narrow: 'scroll', sorts: 'columns' },
  )}`;
}

function maskedColumns(report: Report): MaskedColumn[] {
  return stepsOf(report, 'copy-table').flatMap(({ table, rule, outcome }) =>
    Object.entries(rule?.columns ?? {}).flatMap(([column, one]): MaskedColumn[] =>
      one.kind === 'mask'
        ? [
            {
              table: displayTable(table),
              column,
              mask: maskKind(one.mask),
              by: one.by,
              done: outcome.status === 'done',
            },
          ]
        : [],
    ),
  );
}

/** Lines of one name stand below it, with none of their own. */
function withoutFirst(lines: readonly (readonly [string, string])[], name: string): (readonly [string, string])[] {
  let current = '';
  return lines.filter(([own]) => {
    if (own !== '') current = own;
    return current !== name;
  });
}
