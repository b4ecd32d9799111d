import type { Version } from '../../app/version.ts';
import { table } from './table.ts';
import { escaped } from './text.ts';
import { sentence } from '../format.ts';
import type { Report } from '../report.ts';
import { versionsOf } from '../versions-text.ts';

/** Version, commit and environment of both applications, and the revisions of both databases. */
export function versionLines(report: Report): string[] {
  const versions = versionsOf(report);
  const { source, targetBefore, targetAfter } = report.figures.revision;
  const rows = [
    row('Version', versions?.source?.version, versions?.target?.version),
    row('Commit', versions?.source?.gitSha, versions?.target?.gitSha),
    row('Environment', versions?.source?.environment, versions?.target?.environment),
    row('Revision before', source, targetBefore),
    row('Revision now', source, targetAfter),
  ].flat();
  if (rows.length === 0) return [];
  const relation = versions?.relation ?? '';
  return [
    '## Version comparison',
    '',
    ...(relation === '' ? [] : [escaped(sentence(relation)), '']),
    ...table(['', escaped(report.source.name), escaped(report.target.name)], rows),
    '',
  ];
}

function row(name: string, source: Version['version'], target: Version['version']): string[][] {
  return source === undefined && target === undefined
    ? []
    : [[name, escaped(source ?? 'none told'), escaped(target ?? 'none told')]];
}
