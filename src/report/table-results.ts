import { count, counted } from './format.ts';
import { factsOf, type StepOf } from './report.ts';

/** Why a table is not as the source has it; undefined where nothing is known against it. */
export function tableFault(step: StepOf<'copy-table'>): string | undefined {
  if (step.outcome.status === 'failed') return step.outcome.failure.message;
  const known = factsOf(step);
  if (!known) return undefined;
  const { source, target } = known;
  if (source.rows !== target.rows)
    return `different: ${counted(source.rows, 'row')} were read, ${count(target.rows)} are there`;
  return source.content === target.content ? undefined : 'different';
}

/** Nothing of the source's rows was wanted. */
export function isLeftOut({ rule }: StepOf<'copy-table'>): boolean {
  return rule?.rows === 'empty' || rule?.rows === 'keep';
}
