import {
  exitCodes,
  json,
  RestageError,
  failureOf,
  ConfigError,
  type InvocationResponse,
  type Report,
  type RunResult,
} from '../index.ts';
import { EventError } from './read-event.ts';

/** What Lambda takes of an answer: more makes the whole invocation an error, whatever it did. */
export const mostBytes = 6_291_556;

/** Of an answer with all there is to say but the code that HTTP would have for it. */
export type Answer = Omit<InvocationResponse, 'statusCode'>;

const statusCodes: Readonly<Record<number, InvocationResponse['statusCode']>> = { 0: 200, 2: 400, 3: 409, 4: 422 };

/** `elsewhere`: it goes on in another invocation, or waits for one. */
export function answered(answer: Answer, elsewhere = false): InvocationResponse {
  return { statusCode: elsewhere ? 202 : (statusCodes[answer.exitCode] ?? 500), ...answer };
}

/** What could not be done. */
export function refused(
  error: unknown,
  known: Pick<Answer, 'action' | 'runId' | 'state' | 'reportAt'> = {},
): InvocationResponse {
  const failure = failureOf(error);
  const problems = error instanceof ConfigError || error instanceof EventError ? error.problems : undefined;
  return answered({
    ...known,
    exitCode: error instanceof RestageError ? error.exitCode : exitCodes.internal,
    error: { ...failure, ...(problems === undefined ? {} : { problems }) },
  });
}

/**
 * The answer without any secret, and within what Lambda takes: where the report is too large it is left out, for it is at `reportAt`;
 * where it is nowhere, what matters of it stays. `where` is what to do so that it is kept.
 */
export function fitted(response: InvocationResponse, most = mostBytes): InvocationResponse {
  const clean = JSON.parse(json(response)) as InvocationResponse; // the same, without any secret
  if (sizeOf(clean) <= most) return clean;
  const { report, ...rest } = clean;
  const leftOut = `the report does not fit into the ${mostBytes} bytes of an answer, and is kept nowhere: target.lambda.runs may name a place for it, s3://bucket/prefix`;
  const short = rest.reportAt === undefined ? { ...rest, report: { ...essenceOf(report), leftOut } } : rest;
  if (sizeOf(short) <= most) return short;
  // Tens of thousands of tables.
  const { result } = short;
  const fewer = { ...short, ...(result ? { result: shortened(result) } : {}) };
  if (sizeOf(fewer) <= most) return fewer;
  const { statusCode, exitCode, action, runId, reportAt } = clean;
  return {
    statusCode,
    exitCode,
    ...(action === undefined ? {} : { action }),
    ...(runId === undefined ? {} : { runId }),
    ...(reportAt === undefined ? {} : { reportAt }),
    ...(reportAt === undefined ? { report: { leftOut } } : {}),
    ...(clean.error ? { error: { code: clean.error.code, message: clean.error.message.slice(0, 10_000) } } : {}),
  };
}

function sizeOf(response: InvocationResponse): number {
  return Buffer.byteLength(JSON.stringify(response));
}

/** So many lines of a list a person may still read. */
const fewLines = 1000;

function shortened({ synced, failed, validation, ...rest }: RunResult): RunResult {
  return {
    ...rest,
    synced: synced.slice(0, fewLines),
    failed: failed.slice(0, fewLines),
    validation: { ...validation, different: validation.different.slice(0, fewLines) },
  };
}

/** What matters of a report, in a few hundred bytes; of other answers nothing is known to be short. */
function essenceOf(report: unknown): Partial<Report> {
  if (typeof report !== 'object' || report === null || !('figures' in report)) return {};
  const { run, outcome, startedAt, durationMs, figures, failure, holds } = report as Report; // figures are a report's
  return { run, outcome, startedAt, durationMs, figures, ...(failure ? { failure } : {}), holds };
}
