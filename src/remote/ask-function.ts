import * as z from 'zod';
import { invokeFunction } from '../aws/invoke.ts';
import { ConfigError } from '../config.ts';
import { exitCodes, RestageError, type ErrorCode } from '../errors.ts';
import { ownVersion } from '../own-version.ts';
import { invocationSchema, type InvocationInput, type InvocationResponse } from './invocation.ts';
import type { RemoteFunction } from './remote-function.ts';

/** How long an answer may be on its way when the function's own time is over. */
const afterTimeoutMs = 30_000;

/** Lambda's longest, for a function that does not say. */
const longestSeconds = 900;

const problem = z.object({ line: z.number().exactOptional(), path: z.string(), message: z.string() });

/** As much as is relied on; an answer of a later version may hold more. */
const answerSchema = z.looseObject({
  statusCode: z.union([200, 202, 400, 409, 422, 500].map((code) => z.literal(code))),
  exitCode: z.number(),
  runId: z.string().optional(),
  reportAt: z.string().optional(),
  state: z.looseObject({ run: z.string(), phase: z.string(), part: z.number() }).optional(),
  error: z
    .looseObject({
      code: z.string(),
      message: z.string(),
      hint: z.string().optional(),
      problems: z.array(problem).optional(),
    })
    .optional(),
});

/**
 * Invokes the function once, with the print of the caller's configuration, and waits for its answer. Throws what Lambda throws,
 * `function-failed` for an answer that is none of restage's, and what the function itself was refused: its code, hint and problems.
 */
export async function askFunction(
  remote: RemoteFunction,
  event: InvocationInput,
  signal?: AbortSignal,
): Promise<InvocationResponse> {
  const answer = await answerOf(remote, event, signal);
  // What came of a run is told by its report, also where it has failed.
  if (answer.error && answer.report === undefined && answer.reportAt === undefined)
    throw errorOf(remote.name, answer.error);
  return answer;
}

/** The same, where an error in the answer is looked at by whoever asked. Throws what Lambda throws, and `function-failed`. */
export async function answerOf(
  remote: RemoteFunction,
  event: InvocationInput,
  signal?: AbortSignal,
): Promise<InvocationResponse> {
  const { account, name, facts, configPrint } = remote;
  const timeoutMs = (facts.timeoutSeconds ?? longestSeconds) * 1000 + afterTimeoutMs;
  const sent = invocationSchema.parse({ ...event, configPrint });
  const { answer } = await invokeFunction(account, name, sent, {
    kind: 'wait',
    timeoutMs,
    logGroup: facts.logGroup,
    signal,
  });
  return readAnswer(name, answer);
}

/**
 * The report of an answer, from the place of the runs where it was too large for that. Throws `function-failed` where it cannot be had:
 * what is not there must not pass for a report without differences.
 */
export async function reportIn({ name, runs }: RemoteFunction, answer: InvocationResponse): Promise<unknown> {
  const { action = 'answer', report, reportAt } = answer;
  const leftOut: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, 'leftOut') : undefined;
  if (report !== undefined && leftOut === undefined) return report;
  const [run = '', file] =
    runs && reportAt?.startsWith(`${runs.place}/`) ? reportAt.slice(runs.place.length + 1).split('/') : [];
  const text = file === 'plan.json' || file === 'report.json' ? await runs?.files.fetch(run, file) : undefined;
  if (text !== undefined) return JSON.parse(text) as unknown;
  throw new RestageError(
    'function-failed',
    `the function ${name} has ended ${action}, and what came of it is not in its answer${typeof leftOut === 'string' ? `: ${leftOut}` : ''}`,
    {
      hint:
        reportAt === undefined
          ? 'Name a place for what is too large for an answer: target.lambda.runs: s3://bucket/prefix'
          : `It is at ${reportAt}, and target.lambda.runs does not lead there: name the same place as the function's configuration.`,
    },
  );
}

/** Hands an event to the function, which is not waited for. Gives the id of the request. */
export async function sendToFunction(
  remote: RemoteFunction,
  event: InvocationInput,
  signal?: AbortSignal,
): Promise<string> {
  const { account, name, facts, configPrint } = remote;
  const sent = invocationSchema.parse({ ...event, configPrint });
  return (await invokeFunction(account, name, sent, { kind: 'event', logGroup: facts.logGroup, signal })).requestId;
}

/** An answer of the function by that name, if it is one. Throws `function-failed`. */
function readAnswer(name: string, answer: unknown): InvocationResponse {
  if (answerSchema.safeParse(answer).success) return answer as InvocationResponse; // what is relied on was looked at
  throw new RestageError('function-failed', `the function ${name} gave an answer that is none of restage's`, {
    hint: `Is target.lambda.function the right one? Its bundle must be of restage ${ownVersion()} or near it.`,
  });
}

/** What the function was refused, as it would have been refused here. */
export function errorOf(name: string, error: NonNullable<InvocationResponse['error']>): RestageError {
  const { code, message, hint, problems } = error;
  const told = `the function ${name}: ${message}`;
  if (code === 'config-invalid' && problems) return new ConfigError(told, problems, hint);
  return new RestageError(isKnown(code) ? code : 'function-failed', told, { hint });
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(exitCodes, code);
}
