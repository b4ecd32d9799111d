import type { Outcome } from '../../step.ts';
import { markup, verbatim, type Markup } from './markup.ts';

/** How something stands: told by a shape and by a word, never by colour alone. */
export type Standing = 'good' | 'bad' | 'warn' | 'plain' | 'none';

const shapes: Readonly<Record<Standing, string>> = { good: '✓', bad: '✗', warn: '!', plain: '·', none: '–' };

export function sign(standing: Standing, words: string): Markup {
  return markup`<span class="sign ${standing}"><span aria-hidden="true">${verbatim(shapes[standing])}</span> ${words}</span>`;
}

/** How a step ended. */
export function outcomeSign({ status }: Outcome): Markup {
  return {
    done: sign('good', 'done'),
    failed: sign('bad', 'failed'),
    stopped: sign('warn', 'stopped'),
    'not-run': sign('none', 'not run'),
  }[status];
}
