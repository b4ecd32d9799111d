import { comparisonText } from '../app/expected-value.ts';
import { versionText } from '../app/version.ts';
import { totalText } from './fact-words.ts';
import { told, type Words } from './words.ts';

/** The words for what is asked of the applications. */
export const appWords: Pick<Words, 'migrate' | 'compare-versions' | 'check-value' | 'check-health' | 'compare-total'> =
  {
    migrate: {
      will: ({ method, path }, app = '') => `${method} ${app}${path}`,
      did: (step) =>
        told(step, ({ revisionBefore, revisionAfter }) =>
          revisionAfter === undefined
            ? `${step.method} ${step.path}`
            : `${revisionBefore ?? 'nothing'} → ${revisionAfter}`,
        ),
    },
    'compare-versions': {
      will: ({ policy }) =>
        ({ any: 'told', same: 'must be the same', ahead: "the target's must not be lower" })[policy],
      did: (step) =>
        told(
          step,
          ({ source, target }) => `${versionText(source)} at the source, ${versionText(target)} at the target`,
        ),
    },
    'check-value': {
      will: ({ end, path, read, ...expected }) => `${read} of GET ${path} at the ${end}: ${comparisonText(expected)}`,
      did: (step) => told(step, ({ value }) => `${step.read} is ${JSON.stringify(value)}`),
    },
    'check-health': {
      will: ({ path, expect }) =>
        `GET ${path}: ${Object.entries(expect)
          .map(([key, value]) => `${key} is ${String(value)}`)
          .join(', ')}`,
      did: (step) =>
        told(step, () =>
          Object.entries(step.expect)
            .map(([key, value]) => `${key} is ${String(value)}`)
            .join(', '),
        ),
    },
    'compare-total': {
      will: ({ path, read, table }) =>
        table === undefined ? `${read} of GET ${path}, at both ends` : `${read} of GET ${path}: the rows of ${table}`,
      did: (step) => told(step, (total) => `${step.read}: ${totalText(step, total)}`),
    },
  };
