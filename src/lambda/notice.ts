import { notify, type News } from '../index.ts';
import type { Task } from './task.ts';

/** Of what is left of the invocation this much is for the answer. */
const answerMs = 3000;
const longestMs = 10_000;

/** Tells the addressees of `notify` how it ended, unless the event says that they are not to be. Never throws. */
export async function tell(
  { invocation, settings: { config }, context, log }: Pick<Task, 'invocation' | 'settings' | 'context' | 'log'>,
  news: News,
): Promise<void> {
  if (!invocation.notify || config.notify.length === 0) return;
  const withinMs = Math.max(1000, Math.min(longestMs, context.getRemainingTimeInMillis() - answerMs));
  const problems = await notify(config.notify, news, { withinMs });
  for (const problem of problems) log.write({ kind: 'remark', problem });
}
