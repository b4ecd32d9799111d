import { comparisonText } from '../app/expected-value.ts';
import type { HealthCheck } from '../app/health.ts';
import { shown } from '../app/shown.ts';
import { versionText, type Version } from '../app/version.ts';
import type { VerifiedApps, VerifiedTotal, VerifiedValue } from '../verify-app.ts';
import { columns } from './format.ts';
import { totalText } from './fact-words.ts';
import type { Style } from './style.ts';
import { standingText } from './versions-text.ts';

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
          `  ${mark(!versions.failure)} versions: ${standingText(versions.relation)}`,
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
