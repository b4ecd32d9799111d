import type { Event } from '../event.ts';
import { count, counted, duration } from './format.ts';
import { hasDone } from './step-words.ts';
import type { Style } from './style.ts';

/** Length of the longest word for a step. */
const longest = 'verify-references'.length;

/** One line for what just happened, for pipes and logs; undefined for what is not worth one. */
export function eventLine(event: Event, style: Style): string | undefined {
  switch (event.kind) {
    case 'run-started':
      return `run ${event.run}: ${event.plan.source.name} → ${event.plan.target.name}`;
    case 'step-ended': {
      const { step } = event;
      const { outcome } = step;
      const time = 'durationMs' in outcome ? style('dim', duration(outcome.durationMs)) : '';
      const did = hasDone(step);
      if (outcome.status === 'failed') {
        const [first = '', ...more] = outcome.failure.message.split('\n');
        // What a program wrote stands above already, as it came.
        if (step.kind === 'migrate-incoming' && first.endsWith(':'))
          return `${style('bad', '✗')} ${step.id}  ${first.replace(/:$/, '')}  ${time}`;
        return [`${style('bad', '✗')} ${step.id}  ${first}  ${time}`, ...more].join('\n');
      }
      if (outcome.status === 'stopped') return `${style('warn', '–')} ${step.id}  stopped  ${time}`;
      return `${style('good', '✓')} ${step.kind.padEnd(longest)}  ${did === undefined ? '' : `${did}  `}${time}`;
    }
    case 'step-output':
      return style('dim', `  ${event.line}`);
    case 'recovering':
      return style('warn', 'putting the target back as it was …');
    case 'part-ended': {
      const { part, durationMs, tables, of } = event;
      const loaded = `${count(tables)} of ${counted(of, 'table')} loaded`;
      return style('warn', `… part ${part} ended after ${duration(durationMs)}: ${loaded}; the next one goes on`);
    }
    case 'part-started':
      return style('dim', `part ${event.part} goes on`);
    case 'step-started':
    case 'step-progress':
    case 'object':
      return undefined;
    case 'run-ended': {
      const { outcome, durationMs, figures } = event.report;
      if (outcome !== 'paused') return undefined;
      const { copied, planned } = figures.tables;
      return style(
        'warn',
        `… paused after ${duration(durationMs)}: ${count(copied)} of ${counted(planned, 'table')} loaded`,
      );
    }
  }
}
