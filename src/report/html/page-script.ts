/** What the page's script adds: an order, a search, long tables in part. Without it everything is there. */
export const script = `
'use strict';
for (const table of document.querySelectorAll('table[data-sorts]')) {
  const what = table.dataset.sorts;
  const first = Number(table.dataset.first);
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const controls = table.closest('.data').querySelector('.controls');
  const search = controls.querySelector('input');
  const choose = controls.querySelector('select');
  const told = controls.querySelector('output');
  const more = controls.querySelector('.more');
  const number = (value) => value.toLocaleString('en-US');
  const keyOf = (cell, kind) =>
    kind === 'figure' ? (cell.dataset.v === undefined ? -1 : Number(cell.dataset.v)) : cell.textContent;
  let rows = [...body.rows].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    choice: row.querySelector('[data-c]')?.dataset.c,
  }));
  let all = rows.length <= first;

  const show = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const choice = choose ? choose.value : '';
    let found = 0;
    for (const { row, text, choice: own } of rows) {
      const fits = (choice === '' || own === choice) && words.every((word) => text.includes(word));
      if (fits) found += 1;
      row.hidden = !fits || (!all && found > first);
    }
    const shown = all ? found : Math.min(found, first);
    told.textContent =
      shown < found
        ? 'the first ' + number(shown) + ' of ' + number(found) + ' ' + what
        : found < rows.length
          ? number(found) + ' of ' + number(rows.length) + ' ' + what
          : number(found) + ' ' + what;
    more.hidden = shown === found;
    more.textContent = 'Show all ' + number(found) + ' ' + what;
  };

  const sort = (index, kind, up) => {
    const order = new Intl.Collator('en', { numeric: true });
    const keyed = rows.map((one) => ({ one, key: keyOf(one.row.cells[index], kind) }));
    keyed.sort((a, b) => (kind === 'figure' ? a.key - b.key : order.compare(a.key, b.key)) * (up ? 1 : -1));
    rows = keyed.map(({ one }) => one);
    const moved = document.createDocumentFragment();
    for (const { row } of rows) moved.append(row);
    body.append(moved);
    show();
  };

  heads.forEach((head, index) => {
    const kind = head.dataset.sort;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    head.ariaSort = 'none';
    button.addEventListener('click', () => {
      const up = head.ariaSort === 'none' ? kind !== 'figure' : head.ariaSort === 'descending';
      for (const other of heads) other.ariaSort = 'none';
      head.ariaSort = up ? 'ascending' : 'descending';
      sort(index, kind, up);
    });
  });
  search.addEventListener('input', show);
  if (choose) choose.addEventListener('change', show);
  more.addEventListener('click', () => {
    all = true;
    show();
    table.tBodies[0].rows[first]?.scrollIntoView({ block: 'nearest' });
  });
  controls.hidden = false;
  show();
}
`;
