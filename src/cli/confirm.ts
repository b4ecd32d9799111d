import { createInterface } from 'node:readline';
import { count, RestageError, type Plan } from '../index.ts';
import type { Terminal } from './terminal.ts';

/**
 * Asks for the target's name, on a terminal. Throws `not-confirmed` for anything else that is typed, and where nobody is
 * there to type; `interrupted` for Ctrl-C.
 */
export async function confirm(plan: Plan, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { name } = plan.target;
  const what = changesOf(plan);
  if (!process.stdin.isTTY)
    throw new RestageError('not-confirmed', `nobody is there to confirm that this ${what}`, {
      hint: 'Say --yes if that is what you want.',
    });
  const answer = await ask(`This ${terminal.style('warn', what)}.\nType ${name} to go on: `, signal);
  if (answer === name) return;
  throw new RestageError(
    'not-confirmed',
    answer ? `“${answer}” is not “${name}”; nothing was changed` : `${name} was not typed; nothing was changed`,
  );
}

/** What a run of the plan does to what is there now, and where: `replaces … and overwrites …`; what cannot be undone first. */
function changesOf({ target, objects }: Plan): string {
  const account = target.account === undefined ? '' : ` (AWS account ${target.account})`;
  const database = target.database?.origin;
  const parts = objects.flatMap(({ target: { bucket }, totals: { missing, changed }, deletion }) => [
    ...(deletion ? [`deletes up to ${count(deletion.objects)} objects in ${bucket}${account}`] : []),
    ...(changed.objects > 0 ? [`overwrites up to ${count(changed.objects)} objects in ${bucket}${account}`] : []),
    ...(changed.objects === 0 && (missing.objects > 0 || !deletion)
      ? [`adds up to ${count(missing.objects)} objects to ${bucket}${account}`]
      : []),
  ]);
  if (database)
    parts.unshift(`replaces the database ${database.database} at ${database.host}:${database.port}${account}`);
  return parts.join(' and ');
}

/** The line that is typed; undefined where the input ends (Ctrl-D). */
function ask(text: string, signal: AbortSignal): Promise<string | undefined> {
  const question = createInterface({ input: process.stdin, output: process.stderr });
  let entered = false;
  return new Promise<string | undefined>((resolve, reject) => {
    const interrupt = () => reject(new RestageError('interrupted', 'interrupted; nothing was changed'));
    if (signal.aborted) interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    // On a terminal Ctrl-C is a key like any other, and no signal.
    question.once('SIGINT', interrupt);
    question.once('close', () => resolve(undefined));
    question.question(text, (answer) => {
      entered = true;
      resolve(answer.trim());
    });
  }).finally(() => {
    question.close();
    if (!entered) process.stderr.write('\n');
  });
}
