import { createInterface } from 'node:readline';
import { contentsText, count, fit, isForGood, RestageError, sessionsEnded, type Plan } from '../index.ts';
import type { Terminal } from './terminal.ts';

/**
 * Asks for the target's name, on a terminal. Throws `not-confirmed` for anything else that is typed, and where nobody is
 * there to type; `interrupted` for Ctrl-C.
 */
export async function confirm(plan: Plan, terminal: Terminal, signal: AbortSignal): Promise<void> {
  await confirmName(plan.target.name, changesOf(plan), terminal, signal);
}

/** The same for anything that `what` says, of an end of that name. */
export async function confirmName(name: string, what: string, terminal: Terminal, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY)
    throw new RestageError('not-confirmed', `nobody is there to confirm that this ${what}`, {
      hint: 'Say --yes if that is what you want.',
    });
  const sentence = fit(`This ${what.replaceAll('; it ', ';\nit ')}.`, terminal.width);
  const answer = await ask(`${terminal.style('warn', sentence)}\nType ${name} to go on: `, signal);
  if (answer === name) return;
  throw new RestageError(
    'not-confirmed',
    answer ? `“${answer}” is not “${name}”; nothing was changed` : `${name} was not typed; nothing was changed`,
  );
}

/**
 * What a run of the plan does to what is there now, and where: `replaces …; it overwrites …`; what cannot be undone first.
 * `for good`: nothing keeps it.
 */
export function changesOf({ target, objects, replaces, steps }: Plan): string {
  const account = target.account === undefined ? '' : `AWS account ${target.account}`;
  const database = target.database?.origin;
  const parts = objects.flatMap((planned) => {
    const { missing, changed } = planned.totals;
    const forGood = isForGood(planned) ? ' for good' : '';
    const acts = [
      ...(planned.deletion ? [{ verb: 'deletes', objects: planned.deletion.objects, forGood }] : []),
      ...(changed.objects > 0 ? [{ verb: 'overwrites', objects: changed.objects, forGood }] : []),
      ...(missing.objects > 0 ? [{ verb: 'adds', objects: missing.objects, forGood: '' }] : []),
    ];
    // Beside a database every pair is listed again: what has come since is added too.
    const isListed = steps.some((step) => step.kind === 'copy-objects' && step.bucket === planned.bucket);
    if (acts.length === 0 && isListed) acts.push({ verb: 'adds', objects: 0, forGood: '' });
    if (acts.length === 0) return [];
    const words = acts.map(({ verb, objects: number, forGood: end }, index) => {
      // "overwrites 5 objects and adds 470"
      const noun = index > 0 ? '' : number === 1 ? ' object' : ' objects';
      return `${verb} ${count(number)}${noun}${end}`;
    });
    const where = [...(account === '' ? [] : [account]), 'as of this plan'].join(', ');
    return [`${inWords(words)} in ${planned.target.bucket} (${where})`];
  });
  if (database) {
    const replaced = replaces?.database;
    const sessions = replaced ? sessionsEnded(replaced) : 0;
    const ends =
      sessions === 0 ? '' : `, and ends ${count(sessions)} ${sessions === 1 ? 'session' : 'sessions'} of others`;
    parts.unshift(
      `replaces the database ${database.database} at ${database.host}:${database.port}${account === '' ? '' : ` (${account})`}${replaced ? `, ${contentsText(replaced)}` : ''}${ends}`,
    );
  }
  return parts.join('; it ');
}

/** a, b and c */
function inWords(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
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
    // A terminal that was closed can be read no more; the signal that tells of it may come later.
    for (const stream of [question, process.stdin]) stream.on('error', interrupt);
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
