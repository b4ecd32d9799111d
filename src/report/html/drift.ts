import type { DriftedObject } from '../../postgres/drift/drift.ts';
import { count, counted } from '../format.ts';
import type { Report } from '../report.ts';
import { dataTable } from './data-table.ts';
import { code, markup, named, type Markup } from './markup.ts';
import { sign } from './sign.ts';

/** How the schemas of both databases differed when the run was planned, object by object. */
export function drift({ drift: found, source, target }: Report): Markup | undefined {
  if (!found) return undefined;
  const { objects, differences } = found;
  if (differences.length === 0)
    return markup`<p>${sign('good', `Both schemas were the same in all ${counted(objects, 'object')}.`)}</p>`;
  const kinds = [...Map.groupBy(differences, ({ kind }) => kind)].map(([kind, of]) => `${kind} ${count(of.length)}`);
  const table = dataTable<DriftedObject>(
    [
      { head: 'Object', cell: ({ name }) => named(name) },
      { head: 'Kind', cell: ({ kind }) => kind, choice: ({ kind }) => kind },
      { head: source.name, cell: ({ source: one }) => side(one) },
      { head: target.name, cell: ({ target: one }) => side(one) },
    ],
    differences,
    { caption: `Differences of the schemas before the run`, narrow: 'stack', sorts: 'objects' },
  );
  return markup`<p>Before the run ${counted(differences.length, 'difference')} in ${counted(objects, 'object')}: ${kinds.join(', ')}.</p>${table}`;
}

function side(definition: string | undefined): Markup {
  return definition === undefined ? sign('none', 'has none') : code(definition);
}
