import { table } from './table.ts';
import { escaped, fenced, quoted } from './text.ts';
import { capital, moment } from '../format.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { plain } from '../style.ts';
import { appChecks, dataChecks, objectChecks } from '../verification-facts.ts';

/** What was verified, and the commands that verify it again. */
export function verificationLines(report: Report): string[] {
  const rows = [...dataChecks(report, plain), ...objectChecks(report), ...appChecks(report, plain)];
  const told = rows.map(([name, text]) => [escaped(headed(name)), escaped(text)]);
  return [
    ...(told.length === 0 ? [] : ['## Verification', '', ...table(['What', 'Result'], told), '']),
    '### Verification checklist',
    '',
    ...fenced(commands(report), 'bash'),
    '',
  ];
}

/** To be typed where restage.yaml is. */
function commands(report: Report): string[] {
  const requests = [
    ...stepsOf(report, 'check-health').map(({ path }) => `restage api GET ${quoted(path)}`),
    ...stepsOf(report, 'compare-total').flatMap(({ path, read, table: rows }) => [
      `restage api GET ${quoted(path)} --read ${quoted(read)}`,
      ...(rows === undefined ? [`restage api --end source GET ${quoted(path)} --read ${quoted(read)}`] : []),
    ]),
    ...stepsOf(report, 'check-value').map(
      ({ end, path, read }) =>
        `restage api ${end === 'source' ? '--end source ' : ''}GET ${quoted(path)} --read ${quoted(read)}`,
    ),
  ];
  const kept = stepsOf(report, 'drop-previous').some((step) => (factsOf(step)?.kept.length ?? 0) > 0);
  return [
    `# Does ${oneLine(report.target.name)} still equal ${oneLine(report.source.name)}?`,
    'restage verify',
    ...(requests.length === 0 ? [] : ['', '# What do the applications say?', ...new Set(requests)]),
    ...(report.target.database
      ? ['', `# What does ${oneLine(report.target.name)} hold, and from when?`, 'restage status']
      : []),
    ...(kept ? ['', `# Back to the database before ${moment(report.startedAt)}`, 'restage rollback'] : []),
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** What begins with a value's own name, as `total of /books`, stays as it is. */
function headed(name: string): string {
  return name.includes(' of /') ? name : capital(name);
}
