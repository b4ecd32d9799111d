import { comparisonText } from '../app/expected-value.ts';
import type { HealthCheck } from '../app/health.ts';
import { shown } from '../app/shown.ts';
import { versionText, type ComparedVersions, type Version } from '../app/version.ts';
import type { VerifiedApps, VerifiedTotal, VerifiedValue } from '../verify-app.ts';
import { columns } from './format.ts';
import { totalText } from './step-words.ts';
import type { Style } from './style.ts';

/** What the applications said, line by line: health with its single checks, both versions, totals, expected values. */
export function appLines({ health, versions, totals, expectations }: VerifiedApps, style: Style): string[] {
  const mark = (right: boolean) => (right ? style('good', '✓') : style('bad', '✗'));
  return [
    ...(health
      ? [
          `  ${mark(health.healthy)} health ${health.path}`,
          ...checkLines(health.checks, style).map((line) => `      ${line}`),
        ]
      : []),
    ...(versions
      ? [
          `  ${mark(!versions.failure)} versions: ${relationText(versions)}`,
          ...columns(
            [
              ['source', ...versionCells(versions.source)],
              ['target', ...versionCells(versions.target)],
            ],
            ['left', 'left', 'left'],
            '      ',
          ),
        ]
      : []),
    ...totals.map((total) => `  ${mark(!total.failure)} ${comparedText(total)}`),
    ...expectations.map((value) => `  ${mark(!value.failure)} ${valueText(value)}`),
  ];
}

/** One line for each check: its name, its own word, and what else it says. */
function checkLines(checks: readonly HealthCheck[], style: Style): string[] {
  return columns(
    checks.map(({ name, healthy, status, detail = '' }) => [
      healthy ? style('good', '✓') : style('bad', '✗'),
      name,
      healthy ? status : style('bad', status),
      detail,
    ]),
    ['left', 'left', 'left', 'left'],
  );
}

/** How the target's version stands to the source's, in words. */
function relationText({ relation }: Pick<ComparedVersions, 'relation'>): string {
  return {
    same: 'the same',
    ahead: 'the target is ahead, as is usual',
    behind: 'the target is behind',
    other: 'different, and in no order',
    unknown: 'how they stand to each other cannot be told',
  }[relation];
}

function versionCells(version: Version | undefined): string[] {
  return [versionText(version), version?.environment === undefined ? '' : `environment ${version.environment}`];
}

function comparedText({ path, read, table, source, target, failure }: VerifiedTotal): string {
  const name = `${read} of GET ${path}`;
  if (source === undefined && target === undefined) return `${name}: ${failure ? 'not told' : 'missing'}`;
  return `${name}: ${totalText(table === undefined ? {} : { table }, { source, target })}`;
}

function valueText({ end, path, read, value, ...expected }: VerifiedValue): string {
  return `${read} of GET ${path} at the ${end}: ${shown(value)}, expected: ${comparisonText(expected)}`;
}
