import {
  checkMarkdown,
  count,
  counted,
  knownIssues,
  markdown,
  planMarkdown,
  rollbackMarkdown,
  verdictOf,
  verificationMarkdown,
  type Finding,
  type Plan,
  type Report,
  type RollbackReport,
  type Verification,
} from '../index.ts';
import type { GitHub } from './github.ts';

// What each command shows of its result on GitHub.

export function tellReport(github: GitHub, report: Report): void {
  const { failure, figures, outcome, holds } = report;
  const { tables, objects } = figures;
  if (failure)
    github.annotate('error', [
      `${verdictOf(report)}. ${failure.step}: ${failure.message}\n${failure.hint ?? ''}\n${holds}`.replaceAll(
        '\n\n',
        '\n',
      ),
    ]);
  github.annotate('warning', knownIssues(report));
  if (outcome === 'done')
    github.annotate('notice', [
      `${verdictOf(report)}: ${[
        ...(tables.planned > 0 ? [`${counted(tables.copied, 'table')} with ${counted(tables.rows, 'row')}`] : []),
        ...(report.objects.length > 0
          ? [`${count(objects.copied)} of ${counted(objects.source, 'object')} copied`]
          : []),
      ].join(', ')}`,
    ]);
  github.summary(markdown(report));
}

export function tellRollback(github: GitHub, report: RollbackReport): void {
  const { outcome, holds, failure } = report;
  github.annotate(outcome === 'done' ? 'notice' : 'error', [
    failure && !report.swapped ? `${failure.message}\n${holds}` : holds,
  ]);
  github.summary(rollbackMarkdown(report));
}

export function tellPlan(github: GitHub, plan: Plan): void {
  github.annotate(
    'error',
    (plan.refusals ?? []).map(({ message, hint }) => (hint === undefined ? message : `${message}\n${hint}`)),
  );
  github.annotate('warning', plan.notes);
  github.summary(planMarkdown(plan));
}

export function tellVerification(github: GitHub, found: Verification): void {
  github.annotate('error', found.differences);
  if (found.differences.length === 0)
    github.annotate('notice', [`nothing that was compared differs between ${found.source} and ${found.target}`]);
  github.summary(verificationMarkdown(found));
}

export function tellCheck(github: GitHub, findings: readonly Finding[]): void {
  const words = ({ setting, found, fix }: Finding) => `${setting}: ${found}${fix === undefined ? '' : `\n${fix}`}`;
  github.annotate('error', findings.filter(({ verdict }) => verdict === 'wrong').map(words));
  github.annotate('warning', findings.filter(({ verdict }) => verdict === 'note').map(words));
  github.summary(checkMarkdown(findings));
}
