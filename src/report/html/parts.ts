import { functionRows, momentText, partCells, partHeads } from '../parts-text.ts';
import { sentence } from '../format.ts';
import type { Report } from '../report.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { markup, type Markup } from './markup.ts';

/** The parts that a run was made in, and the function that it was made in. */
export function parts(report: Report): Markup | undefined {
  const { parts: made = [], function: ranIn } = report;
  if (made.length === 0 && !ranIn) return undefined;
  const when = momentText(report);
  const table = dataTable(
    partHeads.map((head, at) => ({ head, cell: (cells: readonly string[]) => cells[at] })),
    made.map(partCells),
    { caption: 'Parts of the run, the first one first', narrow: 'stack' },
  );
  return markup`${when === undefined ? undefined : markup`<p>${sentence(when)}</p>`}${made.length === 0 ? undefined : table}${made.length > 0 && ranIn ? markup`<h3>Function</h3>` : undefined}${facts(functionRows(report))}`;
}
