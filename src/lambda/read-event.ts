import { invocationSchema, nearest, redact, RestageError, type ConfigProblem, type Invocation } from '../index.ts';

/** Of an event that may hold anything no more is told than somebody reads. */
const mostProblems = 20;
/** No key or word that an event may have is longer. */
const longestName = 100;

/** `event-invalid`, with the problems beside the sentences about them. */
export class EventError extends RestageError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], count: number, hint: string) {
    const told = problems.map(({ path, message }) => `\n  ${path === '' ? '' : `${path}: `}${message}`).join('');
    const more = count > problems.length ? `\n  and ${count - problems.length} more` : '';
    super('event-invalid', `the event has ${count === 1 ? 'a problem' : `${count} problems`}:${told}${more}`, { hint });
    this.problems = problems.map((problem) => ({ ...problem, message: redact(problem.message) }));
  }
}

/** What the function is asked to do. Throws `event-invalid` with all that is wrong at once, or the first of very many. */
export function readEvent(event: unknown): Invocation {
  const parsed = invocationSchema.safeParse(event, { reportInput: true });
  const issues = parsed.error?.issues ?? [];
  const problems = [
    ...issues.flatMap(problemsOf),
    ...(typeof event === 'object' && event !== null ? misplaced(event as Readonly<Record<string, unknown>>) : []), // any object has keys
  ];
  // Of unknown keys no more are among the problems than can be told.
  const untold = issues.reduce((sum, issue) => sum + unknownOf(issue).slice(mostProblems).length, 0);
  if (!parsed.success || problems.length > 0)
    throw new EventError(problems.slice(0, mostProblems), problems.length + untold, hintFor(event));
  return parsed.data;
}

/** An event as the log may tell it. One that is not understood may hold anything, a password too: only its keys are told. */
export function toldOf(event: unknown): object {
  const { data } = invocationSchema.safeParse(event);
  if (data) return data;
  const names = typeof event === 'object' && event !== null ? Object.keys(event) : [];
  return { keys: names.slice(0, mostProblems).map((name) => name.slice(0, longestName)) };
}

type Issue = NonNullable<ReturnType<typeof invocationSchema.safeParse>['error']>['issues'][number];

const keys = Object.keys(invocationSchema.shape);

function unknownOf(issue: Issue): readonly string[] {
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function problemsOf(issue: Issue): ConfigProblem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return unknownOf(issue)
      .slice(0, mostProblems)
      .map((name) => {
        const key = name.slice(0, longestName);
        const near = nearest(key, keys);
        return {
          path: key,
          message: `unknown${near === undefined ? `; known are ${keys.join(', ')}` : `; did you mean ${near}?`}`,
        };
      });
  if (path === '') return [{ path, message: 'a JSON object is expected; {} refreshes the database' }];
  if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
    const near = nearest(issue.input.slice(0, longestName), issue.values.map(String));
    return [{ path, message: `${issue.message}${near === undefined ? '' : `; did you mean ${near}?`}` }];
  }
  return [{ path, message: issue.message }];
}

/** What would be read past must not look as if it counted. */
function misplaced(event: Readonly<Record<string, unknown>>): ConfigProblem[] {
  const { action = 'sync', only = 'database', dryRun, sample, to, asPlanned, runId, begunBy } = event;
  const problems: ConfigProblem[] = [];
  const refuse = (path: string, message: string) => problems.push({ path, message });
  if (dryRun === true && action !== 'sync' && action !== 'rollback')
    refuse('dryRun', 'is read with sync and rollback only');
  if (begunBy !== undefined && action !== 'sync' && action !== 'rollback')
    refuse('begunBy', 'is read with sync and rollback only');
  if (sample === true && action !== 'verify') refuse('sample', 'is read with verify only');
  if (to !== undefined && action !== 'rollback') refuse('to', 'is read with rollback only');
  if (only === 'references' && action !== 'verify') refuse('only', 'references is for verify only');
  if (only !== 'database' && (action === 'rollback' || action === 'status'))
    refuse('only', `is not read with ${action}, which is of the database`);
  if (asPlanned !== undefined && action !== 'sync') refuse('asPlanned', 'is read with sync only');
  else if (asPlanned !== undefined && runId === undefined)
    refuse('asPlanned', 'needs runId, under which the plan was kept');
  return problems;
}

/** EventBridge sends an event of its own where a rule's target has no input. */
function hintFor(event: unknown): string {
  if (typeof event === 'object' && event !== null && 'detail-type' in event)
    return "This is an event of EventBridge: give the rule's target the constant input {}.";
  return '{} refreshes the database; e.g. {"action": "plan"}, {"action": "verify"}, {"action": "status"}. Statements of SQL are never taken.';
}
