import type { PlannedEnd } from '../../plan.ts';
import { displayTable } from '../../postgres/names.ts';
import { describeBucket, type BucketOrigin } from '../../s3/origin.ts';
import { bytes, counted, moment } from '../format.ts';
import { originText } from '../origin-text.ts';
import type { Report } from '../report.ts';
import { replacedRows } from '../replaces-text.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { markup, type Markup } from './markup.ts';

interface Setting {
  readonly name: string;
  readonly source: string;
  readonly target: string;
}

/** Where every figure was read: both ends, as they were when the run was planned. */
export function settings(report: Report): Markup {
  const { source, target, replaces, outcome } = report;
  const both = (name: string, tell: (end: PlannedEnd) => string | undefined): Setting => ({
    name,
    source: tell(source) ?? '',
    target: tell(target) ?? '',
  });
  const rows = [
    both('AWS account', ({ account }) => account),
    both('Database', ({ database }) => database && originText(database.origin)),
    both(
      'Held then',
      ({ database }) =>
        database &&
        `${counted(database.tables, 'table')}, ${counted(database.rows, 'row')}, ${bytes(database.sizeBytes)}, read ${moment(database.readAt)}`,
    ),
    both('Revision then', ({ database }) => database?.revision),
    both('Version tables', ({ database }) =>
      database?.versions?.map(({ tool, table }) => `${tool} in ${displayTable(table)}`).join(', '),
    ),
    both('Application', ({ app }) => app?.url),
    both('Its version', ({ app }) => app && [app.version, app.gitSha, app.environment].filter(Boolean).join(', ')),
    ...report.objects.map((pair) => ({
      name: `Bucket ${pair.bucket}`,
      source: bucketText(pair.source),
      target: bucketText(pair.target),
    })),
  ].filter((row) => row.source !== '' || row.target !== '');
  const table = dataTable<Setting>(
    [
      { head: 'Setting', cell: ({ name }) => name },
      { head: source.name, cell: (row) => row.source },
      { head: target.name, cell: (row) => row.target },
    ],
    rows,
    { caption: 'Both ends', narrow: 'stack' },
  );
  const replaced = replaces ? replacedRows(replaces) : [];
  if (replaced.length === 0) return table;
  return markup`${table}<h3>${outcome === 'done' ? 'What was replaced, as planned' : 'What was to be replaced'}</h3>${facts(replaced)}`;
}

function bucketText(origin: BucketOrigin): string {
  return `${describeBucket(origin)}, ${origin.region}${origin.endpoint === undefined ? '' : `, ${origin.endpoint}`}`;
}
