/** How a function's invocation came to its end. */
export type Ending =
  | { readonly kind: 'answered'; readonly body: Buffer }
  /** As the runtime told it: the handler threw, or the code could not be loaded. */
  | { readonly kind: 'error'; readonly errorType: string; readonly body: Buffer }
  | { readonly kind: 'exit'; readonly words: string }
  | { readonly kind: 'out-of-memory' }
  | { readonly kind: 'timeout' };

/** The same as its caller and its log are told. */
export interface Told {
  readonly body: Buffer;
  readonly errorType?: string;
  /** Where its process was ended with it. */
  readonly end?: { readonly status: 'timeout' | 'error'; readonly errorType?: string };
}

export const maxAnswerBytes = 6_291_556;

const signalWords: Readonly<Record<string, string>> = {
  SIGKILL: 'killed',
  SIGABRT: 'aborted',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

export function exitWords(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${signalWords[signal] ?? signal}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

export function tooLarge(): Ending {
  const errorType = 'Function.ResponseSizeTooLarge';
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${maxAnswerBytes} bytes).`;
  return { kind: 'error', errorType, body: Buffer.from(JSON.stringify({ errorMessage, errorType })) };
}

export function timeoutWords(timeoutMs: number): string {
  return `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
}

/** In Lambda's own words. `isOver`: its process is no more. */
export function tell(ending: Ending, requestId: string, timeoutMs: number, isOver: boolean): Told {
  const error = (errorType: string, words: string): Buffer =>
    Buffer.from(JSON.stringify({ errorType, errorMessage: `RequestId: ${requestId} Error: ${words}` }));
  switch (ending.kind) {
    case 'answered':
      return { body: ending.body };
    case 'error': {
      const { body, errorType } = ending;
      return { body, errorType, ...(isOver && { end: { status: 'error', errorType } }) };
    }
    case 'timeout': {
      const errorType = 'Sandbox.Timedout';
      return { body: error(errorType, timeoutWords(timeoutMs)), errorType, end: { status: 'timeout' } };
    }
    case 'out-of-memory': {
      const errorType = 'Runtime.OutOfMemory';
      const body = error(errorType, exitWords(null, 'SIGKILL'));
      return { body, errorType, end: { status: 'error', errorType } };
    }
    case 'exit': {
      const errorType = 'Runtime.ExitError';
      return { body: error(errorType, ending.words), errorType, end: { status: 'error', errorType } };
    }
  }
}
