import type { Failure } from '../../errors.ts';
import { counted } from '../format.ts';
import type { Report } from '../report.ts';
import { markup, named, type Markup } from './markup.ts';
import { sign } from './sign.ts';
import { sentence } from './verdict.ts';

/** So many failures stand in full; steps beside the first one were mostly stopped by it. */
const toldInFull = 20;

/** What went wrong, before anything that went well: where, why, what to do, and how the target was put back. */
export function failures({ failure, recovery, outcome, steps }: Report): Markup | undefined {
  if (!failure) return undefined;
  const others = steps.flatMap(({ id, outcome: ended }) =>
    ended.status === 'failed' && id !== failure.step ? [{ ...ended.failure, step: id }] : [],
  );
  const stopped = steps.filter((step) => step.outcome.status === 'stopped');
  return markup`${outcome === 'interrupted' ? markup`<p>${sign('warn', 'Interrupted')} at <strong>${named(failure.step)}</strong>.</p>${words(failure)}` : one(failure)}${others.slice(0, toldInFull).map(one)}${others.length > toldInFull ? markup`<p>${counted(others.length - toldInFull, 'further step')} failed.</p>` : undefined}${stopped.length === 0 ? undefined : markup`<p>${counted(stopped.length, 'step')} ${stopped.length === 1 ? 'was' : 'were'} under way and ${stopped.length === 1 ? 'was' : 'were'} stopped.</p>`}${recovery ? restored(recovery) : undefined}`;
}

function one(failure: Failure & { readonly step: string }): Markup {
  return markup`<div class="failure"><h3>${sign('bad', 'Failed')} ${named(failure.step)} <span class="dim">${failure.code}</span></h3>${words(failure)}</div>`;
}

/** The message with its lines as they are: below the first the servers' own words. */
function words({ message, hint }: Failure): Markup {
  return markup`<p class="message">${message}</p>${hint === undefined ? undefined : markup`<p class="hint"><strong>What to do:</strong> ${hint}</p>`}`;
}

function restored({ swappedBack, dropped, failure }: NonNullable<Report['recovery']>): Markup {
  const done = [
    ...(swappedBack ? ['the previous database was put back in its place'] : []),
    ...(dropped.length > 0 ? [`dropped: ${dropped.join(', ')}`] : []),
  ];
  const told = done.length === 0 ? 'nothing had to be put back' : done.join('; ');
  return markup`<h3>${failure ? sign('bad', 'Not put back completely') : sign('good', 'Put back')}</h3><p>${sentence(told)}</p>${failure ? words(failure) : undefined}`;
}
