import { Agent, request } from 'node:http';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

// What runs in the function's own process, beside its code: it asks the Runtime API for events, hands them to the handler, and hands back
// what comes of it. Nothing of this project may be imported here.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Told {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

type Handler = (event: unknown, context: object) => unknown;

const api = process.env['AWS_LAMBDA_RUNTIME_API'] ?? '';
const base = '/2018-06-01/runtime';
// Of its own, so that nothing the function does to the usual one is in the way; and it keeps nothing alive.
const agent = new Agent({ keepAlive: true });
let requestId = '';

function ask(method: string, path: string, body = '', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const asking = request(`http://${api}${base}${path}`, { method, agent, headers: { ...headers, ...length } });
  asking.on('error', reject);
  asking.on('response', (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', reject);
    incoming.on('end', () =>
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        text: Buffer.concat(chunks).toString('utf8'),
      }),
    );
  });
  asking.end(body);
  return promise;
}

function tell(thrown: unknown): Told {
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
}

/** One of the runtime's own errors, which say in their type where they are from. */
function ownError(errorType: string, thrown: unknown, message: string): Told {
  return { ...tell(thrown), errorType, errorMessage: message };
}

async function report(path: string, told: Told): Promise<void> {
  await ask('POST', path, JSON.stringify(told), {
    'content-type': 'application/json',
    'lambda-runtime-function-error-type': told.errorType,
  });
}

function log(level: string, text: string): void {
  const head = `${new Date().toISOString()}\t${requestId === '' ? 'undefined' : requestId}\t${level}\t`;
  // A record is one line to Lambda's own: carriage returns keep a text together.
  process.stdout.write(`${head}${text.replaceAll('\n', '\r')}\n`);
}

const levels = { log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', debug: 'DEBUG', trace: 'TRACE' } as const;
for (const [name, level] of Object.entries(levels))
  Reflect.set(console, name, (...given: readonly unknown[]) => log(level, format(...given)));

/** It can go no further: what was asked for fails with this, and the process ends. */
async function giveUp(told: Told, status: number): Promise<never> {
  const where = requestId === '' ? '/init/error' : `/invocation/${requestId}/error`;
  log('ERROR', `${requestId === '' ? 'Uncaught Exception' : 'Invoke Error'} \t${JSON.stringify(told)}`);
  await report(where, told).catch(() => undefined);
  process.exit(status);
}

process.on('uncaughtException', (error) => void giveUp(tell(error), 129));
process.on('unhandledRejection', (reason) => {
  const told = tell(reason);
  const message = `${told.errorType}: ${told.errorMessage}`;
  void giveUp(ownError('Runtime.UnhandledPromiseRejection', reason, message), 128);
});
process.on('beforeExit', () => {
  const message = 'The handler has neither returned nor thrown, and nothing is left that it might wait for.';
  void giveUp({ errorType: 'Runtime.NodeJsExit', errorMessage: message, trace: [] }, 0);
});

function importError(thrown: unknown, module: string): Told {
  const { errorType, errorMessage } = tell(thrown);
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  if (thrown instanceof SyntaxError)
    return ownError('Runtime.UserCodeSyntaxError', thrown, `SyntaxError: ${errorMessage}`);
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return ownError('Runtime.ImportModuleError', thrown, `Error: ${errorMessage}`);
  return { ...tell(thrown), errorType: errorType === '' ? `Error of ${module}` : errorType };
}

async function loadHandler(): Promise<Handler> {
  const wanted = process.env['_HANDLER'] ?? '';
  const slash = wanted.lastIndexOf('/') + 1;
  const dot = wanted.indexOf('.', slash);
  const module = wanted.slice(0, dot);
  const root = process.env['LAMBDA_TASK_ROOT'] ?? '';
  const file = ['.js', '.mjs', '.cjs'].map((suffix) => join(root, `${module}${suffix}`)).find((one) => existsSync(one));
  if (file === undefined) {
    const message = `Error: Cannot find module '${module}'\nRequire stack:\n- /var/runtime/index.mjs`;
    return giveUp(ownError('Runtime.ImportModuleError', new Error(message), message), 1);
  }
  let found: unknown;
  try {
    found = await import(pathToFileURL(file).href);
  } catch (error) {
    return giveUp(importError(error, module), 1);
  }
  for (const name of wanted.slice(dot + 1).split('.'))
    found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined;
  if (typeof found === 'function') return found as Handler; // what it takes is the function's own affair
  const message = `${wanted} is undefined or not exported`;
  return giveUp(ownError('Runtime.HandlerNotFound', new Error(message), message), 1);
}

function contextOf(headers: Answer['headers']): object {
  const variable = (name: string): string => process.env[`AWS_LAMBDA_${name}`] ?? '';
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: variable('FUNCTION_NAME'),
    functionVersion: variable('FUNCTION_VERSION'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: variable('FUNCTION_MEMORY_SIZE'),
    awsRequestId: requestId,
    logGroupName: variable('LOG_GROUP_NAME'),
    logStreamName: variable('LOG_STREAM_NAME'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function serialize(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch (error) {
    throw Object.assign(new Error('Unable to stringify response body'), { name: 'Runtime.MarshalError', cause: error });
  }
}

async function serve(handler: Handler): Promise<never> {
  for (;;) {
    const next = await ask('GET', '/invocation/next');
    requestId = String(next.headers['lambda-runtime-aws-request-id']);
    process.env['_X_AMZN_TRACE_ID'] = String(next.headers['lambda-runtime-trace-id']);
    try {
      const result = serialize(await handler(JSON.parse(next.text), contextOf(next.headers)));
      const type = { 'content-type': 'application/json' };
      const taken = await ask('POST', `/invocation/${requestId}/response`, result, type);
      if (taken.status >= 400)
        log('ERROR', `Failed to post handler success response. Http response code: ${taken.status}. ${taken.text}`);
    } catch (error) {
      const told = tell(error);
      log('ERROR', `Invoke Error \t${JSON.stringify(told)}`);
      await report(`/invocation/${requestId}/error`, told);
    }
  }
}

await serve(await loadHandler());
