import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Document, parseDocument } from 'yaml';
import { production, staging } from '../demo/sample.ts';
import { runsBucket, syncFunction } from '../demo/sync-function.ts';
import { openRuns, loadConfig, type RunStore } from '../src/index.ts';
import type { FunctionContext, InvocationResponse } from '../src/lambda/index.ts';
import { requireNoSecret, type Scene, startScene } from './scene.ts';

/** What the process of a function is sent. */
export interface Delivery {
  readonly id: string;
  readonly event: unknown;
  readonly timeoutMs: number;
  readonly context: Omit<FunctionContext, 'getRemainingTimeInMillis'>;
}

export interface InvokeSettings {
  /** 300 s, when not given. */
  readonly timeoutSeconds?: number;
  /** A new one, when not given: each delivery of one event has the same. */
  readonly requestId?: string;
}

export interface Invoked {
  readonly response: InvocationResponse;
  /** Each line of its log, as JSON. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

/** A function that stays warm between its invocations. */
export interface LambdaFunction extends AsyncDisposable {
  invoke(event: unknown, settings?: InvokeSettings): Promise<Invoked>;
  /** As at a time-out: at once, and without a word. */
  kill(): void;
  /** Holds the process up, as a machine may, and lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Where it finds its configuration. */
  readonly folder: string;
}

/** The reference user's environment with a function that refreshes staging, and a bucket for its runs. */
export interface LambdaScene extends Scene {
  /** s3://…, of this function's configuration. */
  readonly runs: string;
  /** The function with the keys of staging's account, its configuration changed as wished; in a process of its own. */
  startFunction(settings?: FunctionSettings): Promise<LambdaFunction>;
  /** Where that is kept, reached as from a person's machine. */
  openRuns(): Promise<RunStore>;
}

export interface FunctionSettings {
  readonly configure?: (config: Document) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startLambdaScene(): Promise<LambdaScene> {
  const scene = await startScene();
  const { aws, variables, configFile } = scene.environment;
  const folder = await mkdtemp(join(tmpdir(), 'restage-lambda-'));
  const functions = new Set<LambdaFunction>();
  // The function's process has the keys of staging's user, in the place of those of a role.
  await aws.putRole({
    account: production.account,
    name: 'restage-reader',
    trusts: [syncFunction.role ?? '', `arn:aws:iam::${staging.account}:user/${staging.profile}`],
  });
  const keys = await keysOf(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', staging.profile);
  const { STAGING_API_KEY = '', RESTAGE_MASK_KEY = '' } = variables;
  const environment = {
    ...keys,
    AWS_REGION: 'us-west-2',
    AWS_ENDPOINT_URL: aws.endpoint,
    STAGING_API_KEY,
    RESTAGE_MASK_KEY,
  };
  return {
    ...scene,
    runs: `s3://${runsBucket}/runs`,
    openRuns: async () => {
      const config = loadConfig(await readFile(configFile, 'utf8'), { file: configFile, variables });
      const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config_ } = variables;
      const store = await openRuns(config, { profileFiles: { credentials, config: config_ } });
      if (!store) throw new Error('the configuration names no place for runs');
      return store;
    },
    startFunction: async ({ configure, environment: more = {} } = {}) => {
      const root = await mkdtemp(join(folder, 'code-'));
      const file = join(root, 'restage.yaml');
      await copyFile(configFile, file);
      if (configure) {
        const config = parseDocument(await readFile(file, 'utf8'));
        configure(config);
        await writeFile(file, config.toString({ lineWidth: 0 }));
      }
      const started = startFunction(root, { ...environment, LAMBDA_TASK_ROOT: root, ...more }, scene.secrets);
      functions.add(started);
      return started;
    },
    [Symbol.asyncDispose]: async () => {
      for (const one of functions) await one[Symbol.asyncDispose]();
      await scene[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startFunction(
  folder: string,
  environment: Readonly<Record<string, string>>,
  secrets: readonly string[],
): LambdaFunction {
  const child = fork(fileURLToPath(new URL('./function-process.ts', import.meta.url)), {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    execPath: fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url)),
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    cwd: folder,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => void (printed += text));
  return {
    folder,
    invoke: async (event, { timeoutSeconds = 300, requestId = randomUUID() } = {}) => {
      const from = printed.length;
      const delivery: Delivery = {
        id: randomUUID(),
        event,
        timeoutMs: timeoutSeconds * 1000,
        context: {
          awsRequestId: requestId,
          functionName: syncFunction.name,
          functionVersion: '$LATEST',
          memoryLimitInMB: String(syncFunction.memoryMebibytes),
          logGroupName: `/aws/lambda/${syncFunction.name}`,
          logStreamName: '2026/11/23/[$LATEST]0123456789abcdef',
        },
      };
      const response = await answerOf(child, delivery, () => printed);
      // The log comes by another way than the answer.
      while (!printed.slice(from).includes('"_aws"')) await new Promise((resolve) => setTimeout(resolve, 10));
      const text = printed.slice(from);
      requireNoSecret(secrets, text, 'the log');
      requireNoSecret(secrets, JSON.stringify(response), 'the answer');
      const log = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>); // each line is an object
      return { response, log };
    },
    kill: () => void child.kill('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGCONT');
      child.disconnect();
      await ended;
    },
  };
}

function answerOf(child: ChildProcess, delivery: Delivery, printed: () => string): Promise<InvocationResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<InvocationResponse>();
  const take = (message: unknown) => {
    const { id, response } = message as { readonly id: string; readonly response: InvocationResponse };
    if (id === delivery.id) resolve(response);
  };
  const fail = () => reject(new Error(`the function has ended without an answer:\n${printed()}`));
  child.on('message', take);
  child.once('exit', fail);
  child.send(delivery);
  return promise.finally(() => {
    child.off('message', take);
    child.off('exit', fail);
  });
}

async function keysOf(
  file: string,
  profile: string,
): Promise<Readonly<Record<'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY', string>>> {
  const part = (await readFile(file, 'utf8')).split(`[${profile}]`)[1] ?? '';
  return {
    AWS_ACCESS_KEY_ID: /aws_access_key_id = (.+)/.exec(part)?.[1] ?? '',
    AWS_SECRET_ACCESS_KEY: /aws_secret_access_key = (.+)/.exec(part)?.[1] ?? '',
  };
}
