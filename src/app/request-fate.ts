import { RestageError } from '../errors.ts';
import { causeOf, type App, type AppAnswer, type AppRequest } from './client.ts';
import { inALine } from './shown.ts';

/** What became of one request, as far as it can be known. */
export type RequestFate =
  | ({ readonly kind: 'answer' } & AppAnswer)
  /** An answer that is no JSON; `text`: how it begins, in a line. */
  | { readonly kind: 'other-answer'; readonly status: number; readonly text: string }
  /** Nothing reached the application. */
  | { readonly kind: 'unsent'; readonly reason: string; readonly cause: unknown }
  /** It may have arrived, and no answer came: too late, or the connection was cut. */
  | { readonly kind: 'unanswered'; readonly reason: string };

/** Sends one request that must not be sent twice. Throws `interrupted`, and `app-unexpected` for an answer without end. */
export async function sendOnce(app: App, { body, ...request }: AppRequest): Promise<RequestFate> {
  let answer: Awaited<ReturnType<App['exchange']>>;
  try {
    answer = await app.exchange({ ...request, ...(body === undefined ? {} : { text: JSON.stringify(body) }) });
  } catch (error) {
    if (!(error instanceof RestageError) || error.code !== 'app-unreachable') throw error;
    const { cause } = error;
    if (cause === undefined)
      return { kind: 'unanswered', reason: `gave no answer within ${request.timeoutSeconds ?? 15} s` };
    const reason = causeOf(cause);
    if (isUnsent(cause)) return { kind: 'unsent', reason, cause };
    return { kind: 'unanswered', reason: `was cut off after it was sent: ${reason}` };
  }
  const { status, text } = answer;
  try {
    return { kind: 'answer', status, body: JSON.parse(text) };
  } catch {
    return { kind: 'other-answer', status, text: inALine(text) };
  }
}

/** What fails before a request can have been sent: its making, the name, the connection, its TLS. */
function isUnsent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every((one: unknown) => isUnsent(one));
  if (!(error instanceof Error)) return false;
  const { cause, code = '', syscall = '' } = error as Error & { readonly code?: string; readonly syscall?: string }; // of Node's own errors
  if (cause !== undefined) return isUnsent(cause);
  return (
    (error instanceof TypeError && code === '') ||
    ['connect', 'getaddrinfo'].includes(syscall) ||
    ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_INVALID_ARG', 'EPROTO'].includes(code) ||
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code) ||
    error.message === 'bad port' || // one that fetch never connects to
    error.message.includes('before secure TLS connection')
  );
}
