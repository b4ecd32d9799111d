import type { z } from 'zod';
import { keysAt } from './config-keys.ts';
import { nearest } from './nearest.ts';

/** What is wrong with a configuration, and where. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** What would mend it. */
  readonly hint?: string;
}

/** What the schema found, each in words for whoever writes the file. */
export function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return {
        path: [...issue.path, key],
        message: `unknown key${near ? `; did you mean ${near}?` : known.length > 0 ? `; known here: ${known.join(', ')}` : ''}`,
      };
    });
  }
  if (issue.code === 'invalid_union') {
    // What is of one alternative's own type is meant to be that one: its problems are told.
    const fitting = issue.errors.filter((issues) => !issues.some(isOfOtherType));
    // Of several maps the one that has these keys.
    const known = fitting.filter(
      (issues) => !issues.some(({ code, path }) => code === 'unrecognized_keys' && path.length === 0),
    );
    const [inner, second] = fitting.length > 1 ? known : fitting;
    if (inner && !second) return inner.flatMap((one) => problemsOf({ ...one, path: [...issue.path, ...one.path] }));
  }
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path: issue.path, message }));
  // The schema's own words, where it has some; else the type that it expects.
  const own = issue.message.startsWith('Invalid input') ? undefined : issue.message;
  if (issue.code === 'invalid_type') {
    const { input } = issue;
    const wanted = own ?? nouns[issue.expected] ?? issue.expected;
    if (issue.path.length === 0 && (input === undefined || input === null))
      return [{ path: [], message: 'the file is empty; it needs version, source and target' }];
    if (input === undefined) return [{ path: issue.path, message: `is missing; ${wanted} expected` }];
    return [{ path: issue.path, message: own ?? `${wanted} expected, ${nounOf(input)} found` }];
  }
  if (issue.code === 'invalid_value' && own !== undefined && typeof issue.input === 'string') {
    const near = nearest(issue.input, issue.values.map(String));
    return [{ path: issue.path, message: `${own}${near === undefined ? '' : `; did you mean ${near}?`}` }];
  }
  if (issue.input === undefined && issue.code !== 'custom')
    return [{ path: issue.path, message: `is missing; ${own ?? 'a value'} expected` }];
  return [{ path: issue.path, message: own ?? issue.message.replace(/^Invalid input: /, '') }];
}

/** The value as a whole is none of these: another type, or another word. */
function isOfOtherType({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union');
}

const nouns: Readonly<Record<string, string>> = {
  object: 'a map of settings',
  record: 'a map of settings',
  array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
};

function nounOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return nouns[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
}
