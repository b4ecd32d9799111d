import type { App } from '../app/client.ts';
import { askToMigrate, awaitMigrated, type Asked } from '../app/migrate.ts';
import { failureOf, RestageError } from '../errors.ts';
import type { Facts } from '../facts.ts';
import type { Step } from '../step.ts';
import { requireApp } from './app.ts';
import type { Context, Perform, Performed } from './context.ts';
import { awaitGoal, judgeGoal, migrated, readStanding } from './migrate-goal.ts';
import { migrateIncoming } from './migrate-incoming.ts';

type RequestStep = Extract<Step, { kind: 'migrate' }>;

/** What brings the schema to the target's own code: programs on the new database, requests once it is in place. */
export const migrateSteps: Perform<'migrate-incoming' | 'migrate'> = {
  'migrate-incoming': migrateIncoming,

  migrate: async (step, context) => {
    const app = requireApp(context.ends.target.app, 'target');
    const before = await readStanding(context);
    const asked = await askToMigrate(app, step, context.signal);
    const { outcome, polled } =
      asked.kind === 'unknown' ? await awaitEnd(app, step, context, asked.reason) : { outcome: asked, polled: {} };
    const after = await readStanding(context);
    const facts = { answer: 'answer' in outcome ? outcome.answer : null, ...migrated(before, after), ...polled };
    if (outcome.kind !== 'succeeded') return { facts, failure: failureOf(outcome.failure) };
    return { facts, ...requireEnd(step, context, after) };
  },
};

/** Success as the application tells it, beside what its database says. */
function requireEnd(
  step: RequestStep,
  { ends, database }: Context,
  after: Awaited<ReturnType<typeof readStanding>>,
): Pick<Performed<'migrate'>, 'failure'> {
  const said = `${step.method} ${ends.target.app?.url ?? ''}${step.path} told success`;
  const { failure, remark } = judgeGoal(
    step,
    after,
    said,
    'Does the application run the code of migrate.versions, and does it use the database of target.database?',
  );
  if (remark !== undefined) database?.remarks.push(remark);
  return failure ? { failure: failureOf(failure) } : {};
}

type Ended = Exclude<Asked, { kind: 'unknown' }> | { readonly kind: 'given-up'; readonly failure: RestageError };

/** Where a request may have arrived and no answer came: never a second one, but questions whether it has ended well. */
async function awaitEnd(
  app: App,
  step: RequestStep,
  context: Context,
  reason: string,
): Promise<{ readonly outcome: Ended; readonly polled: Pick<Facts['migrate'], 'polled'> }> {
  const where = `${step.method} ${app.url}${step.path}`;
  const { poll, goal, withinSeconds } = step;
  const clock = performance.now();
  const ended = (outcome: Ended) => ({
    outcome,
    polled: { polled: { reason, seconds: Math.round((performance.now() - clock) / 1000) } },
  });
  const givenUp = (words: string, hint: string) =>
    ended({
      kind: 'given-up',
      failure: new RestageError('migrate-failed', `${where} ${reason}${words}`, { hint }),
    });
  if (!poll && (goal.length === 0 || !context.database))
    return givenUp(
      ', and nothing tells whether it has migrated; it was not asked a second time',
      'Set poll beside the path in migrate (a path that tells, and what it must say), or migrate.versions: then the revision in the database tells.',
    );
  context.tell(
    step,
    `it ${reason}; waiting up to ${withinSeconds} s until ${poll ? `GET ${poll.path} is as expected` : `the database is at ${goal.join(', ')}`}`,
  );
  const last = poll
    ? await awaitMigrated(app, poll, withinSeconds * 1000, context.signal)
    : await awaitGoal(step, context, withinSeconds * 1000);
  if (last.kind === 'succeeded') return ended(last);
  if (last.kind === 'failed')
    return ended({
      ...last,
      failure: new RestageError('migrate-failed', `${where} ${reason}; then ${last.failure.message}`),
    });
  return givenUp(
    `; ${withinSeconds} s later ${last.reason}`,
    'Its log says whether it still migrates. Where it only needs longer, raise withinSeconds of the step in migrate.',
  );
}
