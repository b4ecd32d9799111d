import { versionText, type ComparedVersions, type Version } from '../app/version.ts';
import { factsOf, stepsOf, type Report } from './report.ts';

/** The versions of both applications, when they were compared last, and how they stand to each other. */
export interface ToldVersions {
  readonly source: Version | undefined;
  readonly target: Version | undefined;
  /** In words; empty where nothing can be said. */
  readonly relation: string;
}

/** Undefined where neither application tells one. */
export function versionsOf(report: Report): ToldVersions | undefined {
  const [compared] = stepsOf(report, 'compare-versions').flatMap((step) => factsOf(step) ?? []);
  const source = compared?.source ?? report.source.app;
  const target = compared?.target ?? report.target.app;
  if (!source && !target) return undefined;
  return {
    source,
    target,
    relation: relationText(compared?.relation ?? 'unknown', report.source.name, report.target.name),
  };
}

/** production 1.3.0 (a9fd309); staging 1.4.0 (6575f61): staging is ahead, which is normal */
export function versionsText(told: ToldVersions, names: { readonly source: string; readonly target: string }): string {
  const both = (['source', 'target'] as const).flatMap((end) =>
    told[end] ? [`${names[end]} ${versionText(told[end])}`] : [],
  );
  return `${both.join('; ')}${told.relation === '' ? '' : `: ${told.relation}`}`;
}

/** How the target's application stands to the source's, in words; empty where nothing says it. */
function relationText(relation: ComparedVersions['relation'], source: string, target: string): string {
  return {
    same: 'both run the same',
    ahead: `${target} is ahead of ${source}, which is normal`,
    behind: `${target} is behind ${source}: its code may not know the schema that is copied`,
    other: 'which one is newer cannot be told',
    unknown: '',
  }[relation];
}

/** How the target's version stands to the source's, in a few words; never empty. */
export function standingText(relation: ComparedVersions['relation']): string {
  return {
    same: 'the same',
    ahead: 'the target is ahead, as is usual',
    behind: 'the target is behind',
    other: 'different, and in no order',
    unknown: 'how they stand to each other cannot be told',
  }[relation];
}
