import { markup, verbatim, type Markup, type Part } from './markup.ts';

/** A column of a table: its head, its cells, and what it is sorted by. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Part;
  /** Sorted by this figure, which stands to the right; absent where it is not known. */
  readonly figure?: (row: Row) => number | undefined;
  /** Of sentences: not to be squeezed. */
  readonly wide?: true;
  /** What is known of the row by one word, to choose by. */
  readonly choice?: (row: Row) => string;
}

export interface TableSettings {
  readonly caption: string;
  /** scroll: sideways where the window is narrow; stack: each row a block of its own there. */
  readonly narrow: 'scroll' | 'stack';
  /** As wide as its cells. */
  readonly fits?: true;
  /** Its rows have an order of the reader's own, and a search; of what they are rows, e.g. tables. */
  readonly sorts?: string;
}

/** So many rows are shown at first where a script can show the others. */
const shownFirst = 100;

/** Fewer rows than that are seen at a glance. */
const worthSorting = 6;

/** Rows of cells with their heads. The first column names the row. */
export function dataTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { caption, narrow, fits, sorts }: TableSettings,
): Markup {
  const sortable = sorts !== undefined && rows.length >= worthSorting;
  // Blocks are no table any more to a screen reader, unless they are told to be.
  const roles = (role: string) => (narrow === 'stack' ? verbatim(` role="${role}"`) : undefined);
  const head = columns.map(
    ({ head: name, figure }) =>
      markup`<th scope="col"${roles('columnheader')}${figure ? verbatim(' class="n"') : undefined}${sortable ? verbatim(` data-sort="${figure ? 'figure' : 'text'}"`) : undefined}>${name}</th>`,
  );
  const cell = (row: Row, { cell: tell, figure, head: name, choice, wide }: Column<Row>, index: number) => {
    const value = figure?.(row);
    const attributes = [
      figure ? verbatim(' class="n"') : wide ? verbatim(' class="wide"') : undefined,
      value === undefined ? undefined : markup` data-v="${Math.round(value)}"`,
      choice ? markup` data-c="${choice(row)}"` : undefined,
    ];
    return index === 0
      ? markup`<th scope="row"${roles('rowheader')}${attributes}>${tell(row)}</th>`
      : markup`<td${roles('cell')}${narrow === 'stack' ? markup` data-head="${name}"` : undefined}${attributes}>${tell(row)}</td>`;
  };
  const body = rows.map(
    (row) => markup`<tr${roles('row')}>${columns.map((column, index) => cell(row, column, index))}</tr>\n`,
  );
  const table = markup`<table${roles('table')} class="${narrow}${fits ? ' fit' : ''}"${sortable ? markup` data-sorts="${sorts}" data-first="${shownFirst}"` : undefined}><caption>${caption}</caption>
<thead${roles('rowgroup')}><tr${roles('row')}>${head}</tr></thead>
<tbody${roles('rowgroup')}>
${body}</tbody></table>`;
  const controls = sortable ? controlsOf(columns, rows, sorts) : undefined;
  return narrow === 'stack'
    ? markup`<div class="data">${controls}${table}</div>`
    : markup`<div class="data">${controls}<div class="scroll" role="region" tabindex="0" aria-label="${caption}">${table}</div></div>`;
}

/** What a script shows, for without one they do nothing. */
function controlsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], sorts: string): Markup {
  const chosen = columns.find(({ choice }) => choice);
  const words = [...new Set(rows.map((row) => chosen?.choice?.(row) ?? ''))].filter((word) => word !== '').toSorted();
  const choose = markup` <label>${chosen?.head ?? ''} <select><option value="">all</option>${words.map((word) => markup`<option>${word}</option>`)}</select></label>`;
  return markup`<div class="controls" hidden><label>Search ${sorts} <input type="search" autocomplete="off" spellcheck="false"></label>${words.length > 1 ? choose : undefined} <output></output> <button type="button" class="more" hidden></button></div>`;
}
