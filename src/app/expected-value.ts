import { RestageError } from '../errors.ts';
import type { App } from './client.ts';
import { figureOf } from './figure.ts';
import { valueAt } from './json-path.ts';
import { askUntilRight, type Answered, type Patience } from './patience.ts';
import { shown } from './shown.ts';

/** What a value must be: every comparison that is there must hold. */
export interface Comparisons {
  readonly equals?: string | number | boolean;
  readonly not?: string | number | boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** A regular expression. */
  readonly matches?: string;
}

/** One value that an application must tell, and what it must be. */
export interface ExpectedValue extends Comparisons {
  readonly end: 'source' | 'target';
  readonly path: string;
  readonly read: string;
}

/** Why a value is not what it must be, e.g. `is 3, at least 5 expected`; undefined where it is. What is not there never is. */
export function judge(value: unknown, expected: Comparisons): string | undefined {
  const { equals, not, atLeast, atMost, matches } = expected;
  const is = `is ${shown(value)}`;
  if (value === undefined) return is;
  if (equals !== undefined && value !== equals) return `${is}, ${shown(equals)} expected`;
  if (not !== undefined && value === not) return `${is}, anything else expected`;
  const figure = figureOf(value);
  if ((atLeast !== undefined || atMost !== undefined) && figure === undefined) return `${is}, a number expected`;
  if (atLeast !== undefined && figure !== undefined && !(figure >= atLeast))
    return `${is}, at least ${atLeast} expected`;
  if (atMost !== undefined && figure !== undefined && !(figure <= atMost)) return `${is}, at most ${atMost} expected`;
  if (matches === undefined) return undefined;
  if (typeof value === 'object') return `${is}, text that matches ${matches} expected`;
  return RegExp(matches, 'u').test(typeof value === 'string' ? value : JSON.stringify(value))
    ? undefined
    : `${is}, what matches ${matches} expected`;
}

/** What must hold, in words: `at least 5, at most 9`. */
export function comparisonText({ equals, not, atLeast, atMost, matches }: Comparisons): string {
  return [
    equals === undefined ? [] : shown(equals),
    not === undefined ? [] : `not ${shown(not)}`,
    atLeast === undefined ? [] : `at least ${atLeast}`,
    atMost === undefined ? [] : `at most ${atMost}`,
    matches === undefined ? [] : `matches ${matches}`,
  ]
    .flat()
    .join(', ');
}

const mostKept = 1000;

/**
 * The value that the application tells, asked until it is right. Where it is not in the end: `data-differs`. Throws
 * `app-unreachable`, and `app-unexpected` for an answer that is none.
 */
export async function awaitValue(app: App, expected: ExpectedValue, patience: Patience): Promise<Answered<unknown>> {
  const { path, read } = expected;
  return askUntilRight(patience, async () => {
    const { status, body } = await app.send({ method: 'GET', path, signal: patience.signal });
    const value = valueAt(body, read);
    const wrong = judge(value, expected);
    // A report keeps it: of a long one the beginning.
    const found = value !== undefined && JSON.stringify(value).length > mostKept ? shown(value, mostKept) : value;
    if (wrong === undefined && status < 400) return { found };
    const http = status < 400 ? '' : `HTTP ${status}, `;
    return {
      found,
      wrong: new RestageError(
        'data-differs',
        `${read} of GET ${app.url}${path}: ${http}${wrong ?? `is ${shown(value)}`}`,
      ),
    };
  });
}
