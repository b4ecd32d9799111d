import type { ExpectedValue } from '../app/expected-value.ts';

/** What a value must be, in words: 5, at least 1, not "x" */
export function expectedText({ equals, not, atLeast, atMost, matches }: ExpectedValue): string {
  return [
    ...(equals === undefined ? [] : [JSON.stringify(equals)]),
    ...(not === undefined ? [] : [`not ${JSON.stringify(not)}`]),
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ...(atMost === undefined ? [] : [`at most ${atMost}`]),
    ...(matches === undefined ? [] : [`like /${matches}/`]),
  ].join(', ');
}
