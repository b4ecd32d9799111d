import type { Failure } from '../../errors.ts';
import { counted, sentence } from '../format.ts';
import type { StepReport } from '../../step.ts';
import type { Report } from '../report.ts';
import { list } from './list.ts';
import { markup, named, type Markup } from './markup.ts';
import { sign } from './sign.ts';

/** So many failures stand in full; steps beside the first one were mostly stopped by it. */
const toldInFull = 20;

/** What went wrong, before anything that went well: where, why, what to do, and how the target was put back. */
export function failures({ failure, recovery, outcome, steps }: Report): Markup | undefined {
  if (!failure) return undefined;
  const others = steps.flatMap(({ id, outcome: ended }) =>
    ended.status === 'failed' && id !== failure.step ? [{ ...ended.failure, step: id }] : [],
  );
  const stopped = steps.filter((step) => step.outcome.status === 'stopped');
  return markup`${outcome === 'interrupted' ? markup`<p>${sign('warn', 'Interrupted')} at <strong>${named(failure.step)}</strong>.</p>${words(failure)}` : one(failure)}${steps.filter(({ id }) => id === failure.step).map(lastWords)}${others.slice(0, toldInFull).map(one)}${others.length > toldInFull ? markup`<p>${counted(others.length - toldInFull, 'further step')} failed.</p>` : undefined}${stopped.length === 0 ? undefined : markup`<p>${counted(stopped.length, 'step')} ${stopped.length === 1 ? 'was' : 'were'} under way and ${stopped.length === 1 ? 'was' : 'were'} stopped.</p>`}${recovery ? restored(recovery) : undefined}`;
}

function one(failure: Failure & { readonly step: string }): Markup {
  return markup`<div class="failure"><h3>${sign('bad', 'Failed')} ${named(failure.step)} <span class="dim">${failure.code}</span></h3>${words(failure)}</div>`;
}

/** The message with its lines as they are: below the first the servers' own words. */
function words({ message, hint }: Failure): Markup {
  return markup`<p class="message">${message}</p>${hint === undefined ? undefined : markup`<p class="hint"><strong>What to do:</strong> ${hint}</p>`}`;
}

/** What was done about it, what was looked at then, and what could not be done. */
function restored({ swappedBack, kept, dropped, verified = [], failure }: NonNullable<Report['recovery']>): Markup {
  const done = [
    ...(kept
      ? [`the new database is ${kept.database}, as database.onFailure says; the one before it is ${kept.previous}`]
      : []),
    ...(swappedBack ? ['the previous database was put back in its place'] : []),
    ...(dropped.length > 0 ? [`dropped: ${dropped.join(', ')}`] : []),
  ];
  const told = done.length === 0 ? 'nothing had to be put back' : done.join('; ');
  const looked = verified.map(({ what, ok, found }) => markup`${sign(ok ? 'good' : 'bad', what)}: ${found}`);
  return markup`<h3>${restoredSign(kept !== undefined, failure !== undefined)}</h3><p>${sentence(told)}</p>${list(looked)}${failure ? words(failure) : undefined}`;
}

function restoredSign(kept: boolean, failed: boolean): Markup {
  if (failed) return sign('bad', 'Not put back completely');
  return kept ? sign('warn', 'Kept, not accepted') : sign('good', 'Put back');
}

/** What a program that failed had written last. */
function lastWords({ outcome }: StepReport): Markup | undefined {
  if (outcome.status !== 'failed') return undefined;
  const { facts, failure } = outcome;
  if (!facts || !('output' in facts)) return undefined;
  // The message has the last of them, and often all.
  if (facts.output.every((line) => failure.message.includes(line))) return undefined;
  return markup`<p class="dim">Its last lines:</p><pre>${facts.output.join('\n')}</pre>`;
}
