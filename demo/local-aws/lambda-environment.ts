import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Ending, exitWords, maxAnswerBytes, tell, timeoutWords, tooLarge } from './lambda-ending.ts';
import { watchGroup } from './process-memory.ts';
import { endLines, InvocationLog, initLine, startLine } from './lambda-log.ts';

/** What an execution environment is given. */
export interface EnvironmentSettings {
  readonly functionArn: string;
  readonly timeoutMs: number;
  readonly memoryMebibytes: number;
  readonly folder: string;
  /** The compiled runtime. */
  readonly runtime: string;
  /** All that the process sees, but for the address of the Runtime API. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** What the function returned, or the error, as bytes. */
  readonly body: Buffer;
  /** Absent where all went well. */
  readonly errorType?: string;
  readonly durationMs: number;
  readonly initMs: number | undefined;
  readonly peakBytes: number;
  readonly log: string;
}

const api = '/2018-06-01/runtime';
const initLimitMs = 10_000;
const sampleMs = 50;
// A function's processes end with this AWS, however that ends, also those that are stopped: a shell waits for the end of a pipe, and
// then kills the group.
const watched = '(read -r _ <&3; kill -9 0) >/dev/null 2>&1 & exec "$0" "$@" 3<&-';

/** A process with a function's code in it, its Runtime API, and what it does for one event after another. */
export class ExecutionEnvironment implements AsyncDisposable {
  readonly #settings: EnvironmentSettings;
  readonly #server: Server;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** The runtime's question for the next event, while it has none. */
  #asking: ServerResponse | undefined;
  #deliver: (() => void) | undefined;
  #given: Ending | undefined;
  #ended = Promise.withResolvers<Ending>();
  #requestId = '';
  #log = new InvocationLog();
  #peakBytes = 0;
  #sampling: NodeJS.Timeout | undefined;
  #usable = true;

  constructor(settings: EnvironmentSettings) {
    this.#settings = settings;
    this.#server = createServer((incoming, outgoing) => {
      this.#answer(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
  }

  /** Whether it can take another event. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Hands the event over, and waits for how it ends. One at a time. */
  async invoke(requestId: string, event: Buffer): Promise<Outcome> {
    this.#requestId = requestId;
    this.#log = new InvocationLog();
    this.#given = undefined;
    this.#ended = Promise.withResolvers<Ending>();
    const { timeoutMs, memoryMebibytes } = this.#settings;
    const isCold = this.#process === undefined;
    const begunAt = performance.now();
    let deliveredAt: number | undefined;
    let timer = setTimeout(() => this.#stopAs({ kind: 'timeout' }), initLimitMs + timeoutMs);
    if (isCold) await this.#start();
    else this.#signal('SIGCONT', 'leader');
    this.#sample();
    const deliver = (): void => {
      deliveredAt = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => this.#stopAs({ kind: 'timeout' }), timeoutMs);
      this.#log.add(startLine(requestId));
      this.#reply(event, Date.now() + timeoutMs);
    };
    if (this.#asking === undefined) this.#deliver = deliver;
    else deliver();
    const ending = await this.#ended.promise;
    const endedAt = performance.now();
    clearTimeout(timer);
    this.#measure();
    clearInterval(this.#sampling);
    // What was written before the end may still be on its way here.
    if (ending.kind === 'answered' || ending.kind === 'error') for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    if (this.#asking === undefined || !this.#usable) await this[Symbol.asyncDispose]();
    else this.#signal('SIGSTOP', 'leader');
    const told = tell(ending, requestId, timeoutMs, !this.#usable);
    const measures = {
      requestId,
      memoryMebibytes,
      durationMs: deliveredAt === undefined ? 0 : endedAt - deliveredAt,
      initMs: isCold ? (deliveredAt ?? endedAt) - begunAt : undefined,
      peakBytes: this.#peakBytes,
    };
    if (deliveredAt === undefined) this.#log.add(startLine(requestId));
    if (ending.kind === 'timeout')
      this.#log.add(`${new Date().toISOString()} ${requestId} ${timeoutWords(timeoutMs)}\n\n`);
    this.#log.add(endLines({ ...measures, ...(told.end !== undefined && { end: told.end }) }));
    if (ending.kind === 'exit') this.#log.add(`RequestId: ${requestId} Error: ${ending.words}\nRuntime.ExitError\n`);
    const { durationMs, initMs, peakBytes } = measures;
    const { body, errorType } = told;
    const error = errorType === undefined ? {} : { errorType };
    return { body, ...error, durationMs, initMs, peakBytes, log: this.#log.toString() };
  }

  /** Kills it at once, with whatever it is doing. */
  kill(): void {
    this.#signal('SIGKILL', 'group');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#usable = false;
    clearInterval(this.#sampling);
    this.kill();
    await this.#exited;
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #start(): Promise<void> {
    const { folder, runtime, memoryMebibytes, variables } = this.#settings;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the Runtime API has no port');
    this.#log.add(initLine());
    const newSpace = Math.floor(memoryMebibytes / 10);
    // As Lambda starts it: a tenth of the memory for what is young.
    const memory = [
      `--max-semi-space-size=${Math.floor(newSpace / 2)}`,
      `--max-old-space-size=${memoryMebibytes - newSpace}`,
    ];
    const child = spawn('/bin/sh', ['-c', watched, process.execPath, ...memory, runtime], {
      cwd: folder,
      env: { ...variables, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${address.port}` },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#log.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#log.add(chunk));
    // The watcher may be gone when the pipe is closed.
    child.stdio[3]?.on('error', () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    child.on('error', (error) => {
      resolve();
      this.#end({ kind: 'exit', words: String(error) });
    });
    child.on('exit', (code, signal) => {
      child.stdio[3]?.destroy();
      this.#usable = false;
      // The last of its output comes with the closing of its pipes; a process that it left behind may hold them open.
      const closed = setTimeout(resolve, 200);
      child.on('close', () => {
        clearTimeout(closed);
        resolve();
      });
      void promise.then(() => this.#end(this.#given ?? { kind: 'exit', words: exitWords(code, signal) }));
    });
  }

  #reply(event: Buffer, deadlineMs: number): void {
    const { functionArn } = this.#settings;
    this.#asking?.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': this.#requestId,
      'lambda-runtime-deadline-ms': String(deadlineMs),
      'lambda-runtime-invoked-function-arn': functionArn,
      'lambda-runtime-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${this.#requestId.replaceAll('-', '').slice(0, 24)};Sampled=0`,
      'content-length': String(event.length),
    });
    this.#asking?.end(event);
    this.#asking = undefined;
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '').slice(api.length);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer); // an HTTP body without an encoding
    const body = Buffer.concat(chunks);
    if (path === '/invocation/next' && incoming.method === 'GET') {
      this.#asking = outgoing;
      if (this.#given !== undefined) this.#end(this.#given);
      const deliver = this.#deliver;
      this.#deliver = undefined;
      deliver?.();
      return;
    }
    const [status, answer] = this.#take(path, body, incoming.headers['lambda-runtime-function-error-type']);
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(answer));
  }

  #take(path: string, body: Buffer, type: string | readonly string[] | undefined): readonly [number, object] {
    const current = `/invocation/${this.#requestId}`;
    const errorType = type === undefined ? 'Unhandled' : String(type);
    if (path === '/init/error' || path === `${current}/error`) this.#given = { kind: 'error', errorType, body };
    else if (path !== `${current}/response`)
      return [400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' }];
    else if (body.length > maxAnswerBytes) {
      this.#given = tooLarge();
      const errorMessage = `Exceeded maximum allowed payload size (${maxAnswerBytes} bytes).`;
      return [413, { errorType: 'RequestEntityTooLarge', errorMessage }];
    } else this.#given = { kind: 'answered', body };
    return [202, { status: 'OK' }];
  }

  #end(ending: Ending): void {
    this.#ended.resolve(ending);
  }

  #stopAs(ending: Ending): void {
    this.#usable = false;
    this.#end(ending);
    this.kill();
  }

  #signal(signal: NodeJS.Signals, to: 'leader' | 'group'): void {
    const pid = this.#process?.pid;
    if (pid === undefined || (to === 'leader' && this.#process?.exitCode !== null)) return;
    try {
      process.kill(to === 'group' ? -pid : pid, constants.signals[signal]);
    } catch {
      // It has ended.
    }
  }

  #sample(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    const memory = watchGroup(pid);
    this.#measure = () => {
      const bytes = memory.read();
      if (bytes === undefined) return;
      this.#peakBytes = Math.max(this.#peakBytes, bytes);
      if (bytes > this.#settings.memoryMebibytes * 1024 * 1024) this.#stopAs({ kind: 'out-of-memory' });
    };
    this.#sampling = setInterval(() => this.#measure(), sampleMs);
  }

  #measure = (): void => undefined;
}
