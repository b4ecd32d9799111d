import { invocationSchema, nearest, redact, RestageError, type ConfigProblem, type Invocation } from '../index.ts';

/** `event-invalid`, with every problem beside the sentences about them. */
export class EventError extends RestageError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], hint: string) {
    const told = problems.map(({ path, message }) => `\n  ${path === '' ? '' : `${path}: `}${message}`).join('');
    super(
      'event-invalid',
      `the event has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:${told}`,
      {
        hint,
      },
    );
    this.problems = problems.map((problem) => ({ ...problem, message: redact(problem.message) }));
  }
}

/** What the function is asked to do. Throws `event-invalid` with every problem at once. */
export function readEvent(event: unknown): Invocation {
  const parsed = invocationSchema.safeParse(event, { reportInput: true });
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap(problemsOf),
    ...(typeof event === 'object' && event !== null ? misplaced(event as Readonly<Record<string, unknown>>) : []), // any object has keys
  ];
  if (!parsed.success || problems.length > 0) throw new EventError(problems, hintFor(event));
  return parsed.data;
}

/** An event as the log may tell it. One that is not understood may hold anything, a password too: only its keys are told. */
export function toldOf(event: unknown): object {
  const { data } = invocationSchema.safeParse(event);
  if (data) return data;
  const names = typeof event === 'object' && event !== null ? Object.keys(event) : [];
  return { keys: names.slice(0, 20).map((name) => name.slice(0, 100)) };
}

type Issue = NonNullable<ReturnType<typeof invocationSchema.safeParse>['error']>['issues'][number];

const keys = Object.keys(invocationSchema.shape);

function problemsOf(issue: Issue): ConfigProblem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const near = nearest(key, keys);
      return {
        path: key,
        message: `unknown${near === undefined ? `; known are ${keys.join(', ')}` : `; did you mean ${near}?`}`,
      };
    });
  if (path === '') return [{ path, message: 'a JSON object is expected; {} refreshes the database' }];
  if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
    const near = nearest(issue.input, issue.values.map(String));
    return [{ path, message: `${issue.message}${near === undefined ? '' : `; did you mean ${near}?`}` }];
  }
  return [{ path, message: issue.message }];
}

/** What would be read past must not look as if it counted. */
function misplaced(event: Readonly<Record<string, unknown>>): ConfigProblem[] {
  const { action = 'sync', only = 'database', dryRun, sample, to, asPlanned, runId } = event;
  const problems: ConfigProblem[] = [];
  const refuse = (path: string, message: string) => problems.push({ path, message });
  if (dryRun === true && action !== 'sync' && action !== 'rollback')
    refuse('dryRun', 'is read with sync and rollback only');
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
