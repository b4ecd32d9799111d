import type { RunState } from '../remote/run-state.ts';
import { duration, moment } from './format.ts';
import type { Fact } from './verification-facts.ts';

/** So many steps under way are named. */
const stepsNamed = 3;

/**
 * How a run stands that a function makes, in a line: what is under way, or how it ended. `now` is in milliseconds since 1970: a run
 * that has written nothing beyond its deadline was killed.
 */
export function runStateText(state: RunState, now: number): string {
  const { run, phase, part, function: ranIn, startedAt, updatedAt, steps = [] } = state;
  const where = `the run ${run} in the function ${ranIn.name}`;
  if (phase === 'ended') return `${where} ${endText(state)}, ${moment(updatedAt)}`;
  const parts = part === 1 ? '' : `, part ${part}`;
  if (phase === 'paused')
    return `${where} has paused after part ${part}, ${moment(updatedAt)}: it goes on when it is invoked with this run's id`;
  if (isKilled(state, now))
    return `${where} was under way${parts}, and was last heard of ${moment(updatedAt)}: its invocation was over by ${moment(state.deadline)}`;
  const doing = phase === 'planning' ? ', planning' : steps.length === 0 ? '' : `: ${stepsText(steps)}`;
  const silence = now - Date.parse(updatedAt);
  const heard = silence > silentMs ? `; last heard of ${duration(silence)} ago` : '';
  return `${where} goes on${parts}, since ${moment(startedAt)}${doing}${heard}`;
}

/** Steps that are under way. */
export function stepsText(steps: readonly string[]): string {
  const more = steps.length > stepsNamed ? ` and ${steps.length - stepsNamed} more` : '';
  return `${steps.slice(0, stepsNamed).join(', ')}${more}`;
}

/** A state is written every 10 s: beyond this somebody wants to know. */
const silentMs = 30_000;

/** It should have written something since. */
export function isKilled({ phase, deadline }: RunState, now: number): boolean {
  return (phase === 'planning' || phase === 'running') && now > Date.parse(deadline);
}

function endText({ outcome, failure }: RunState): string {
  const why = failure === undefined ? '' : `: ${failure.step === undefined ? '' : `${failure.step}, `}${failure.code}`;
  if (outcome === 'done') return 'has ended well';
  return outcome === 'interrupted' ? 'was interrupted' : `has failed${why}`;
}

/** The same with where its log is, for a list of facts. */
export function runStateRows(state: RunState, now: number): readonly Fact[] {
  const { logGroup, logStream } = state.function;
  return [
    ['function', runStateText(state, now)],
    ...(state.holds === undefined ? [] : [['', `${state.holds.replace(/\.$/, '')}.`] as Fact]),
    ...(logGroup === undefined
      ? []
      : [['', `log ${logGroup}${logStream === undefined ? '' : `, stream ${logStream}`}`] as Fact]),
  ];
}
