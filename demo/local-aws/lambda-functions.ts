import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from './identity.ts';
import { ExecutionEnvironment, type Outcome } from './lambda-environment.ts';
import { runtimeFile } from './lambda-runtime-file.ts';
import type { FunctionInvocation } from './local-aws.ts';
import type { FunctionSettings } from './settings.ts';

export type InvocationType = FunctionInvocation['type'];

interface Event {
  readonly requestId: string;
  readonly payload: Buffer;
  readonly attempt: number;
}

/** A function, and what runs or waits of it. */
interface Held {
  settings: FunctionSettings;
  /** Another one with each change of the settings. */
  generation: number;
  running: number;
  readonly environments: Set<ExecutionEnvironment>;
  idle: ExecutionEnvironment[];
  readonly waiting: Event[];
}

interface Place {
  readonly region: string;
  /** An existing folder for what running functions need. */
  readonly folder: string;
  readonly credentials: Credentials;
}

const roleSeconds = 43_200;
const keptInvocations = 500;

export function functionArn({ account, name }: Pick<FunctionSettings, 'account' | 'name'>, region: string): string {
  return `arn:aws:lambda:${region}:${account}:function:${name}`;
}

/** The functions of all accounts: runs them in processes of their own, which disposing of it ends. */
export class Functions implements AsyncDisposable {
  readonly #place: Place;
  readonly #held = new Map<string, Held>();
  readonly #events = new Map<string, { readonly key: string; readonly payload: Buffer }>();
  readonly #invocations = new Map<string, FunctionInvocation[]>();
  readonly #homes = new WeakMap<ExecutionEnvironment, string>();
  #runtime: Promise<string> | undefined;
  #closing = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Its processes end where it was there before: what they are doing is done first. */
  put(settings: FunctionSettings): void {
    const { account, name, role } = settings;
    if (role !== undefined && !this.#place.credentials.hasRole(role)) throw new Error(`there is no role ${role}`);
    const held = this.#held.get(`${account} ${name}`);
    if (held === undefined) {
      const none = { generation: 0, running: 0, environments: new Set<ExecutionEnvironment>(), idle: [], waiting: [] };
      this.#held.set(`${account} ${name}`, { settings, ...none });
      return;
    }
    for (const one of held.idle) void this.#close(held, one);
    Object.assign(held, { settings, generation: held.generation + 1, idle: [] });
  }

  /** Those of an account. */
  of(account: string): readonly FunctionSettings[] {
    return [...this.#held.values()].map(({ settings }) => settings).filter((one) => one.account === account);
  }

  /** Runs it and waits; undefined where as many run as may. */
  invoke(settings: FunctionSettings, requestId: string, payload: Buffer): Promise<Outcome> | undefined {
    const held = this.#find(settings);
    if (!hasRoom(held)) return undefined;
    this.#remember(held, requestId, payload);
    return this.#run(held, 'RequestResponse', requestId, payload);
  }

  /** Runs it as soon as there is room. */
  enqueue(settings: FunctionSettings, requestId: string, payload: Buffer): void {
    const held = this.#find(settings);
    this.#remember(held, requestId, payload);
    held.waiting.push({ requestId, payload, attempt: 0 });
    this.#proceed(held);
  }

  /** The same event once more, as an asynchronous one may come twice. */
  deliverAgain(requestId: string): void {
    const event = this.#events.get(requestId);
    const held = event && this.#held.get(event.key);
    if (!held) throw new Error(`no function was invoked by the request ${requestId}`);
    held.waiting.push({ requestId, payload: event.payload, attempt: Number.POSITIVE_INFINITY });
    this.#proceed(held);
  }

  /** Kills whatever of it runs; events that wait are kept. */
  kill(name: string): void {
    for (const { environments } of this.#named(name)) for (const one of environments) one.kill();
  }

  waiting(name: string): number {
    return this.#named(name).reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  invocations(name: string): readonly FunctionInvocation[] {
    this.#named(name);
    return this.#invocations.get(name) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    const held = [...this.#held.values()];
    for (const { waiting } of held) waiting.length = 0;
    await Promise.all(held.flatMap((each) => [...each.environments].map((one) => this.#close(each, one))));
  }

  #find({ account, name }: FunctionSettings): Held {
    const held = this.#held.get(`${account} ${name}`);
    if (held === undefined) throw new Error(`there is no function ${name}`);
    return held;
  }

  #named(name: string): readonly Held[] {
    const found = [...this.#held.values()].filter(({ settings }) => settings.name === name);
    if (found.length === 0) throw new Error(`there is no function ${name}`);
    return found;
  }

  #remember({ settings: { account, name } }: Held, requestId: string, payload: Buffer): void {
    this.#events.set(requestId, { key: `${account} ${name}`, payload });
  }

  #proceed(held: Held): void {
    while (hasRoom(held)) {
      const event = held.waiting.shift();
      if (event === undefined) return;
      // Why it could not be started stands in its record.
      this.#perform(held, event).catch(() => undefined);
    }
  }

  /** An event that has failed is tried again, where the function is set so. */
  async #perform(held: Held, event: Event): Promise<void> {
    const { requestId, payload, attempt } = event;
    const { errorType } = await this.#run(held, 'Event', requestId, payload);
    if (errorType === undefined || attempt >= (held.settings.maximumRetryAttempts ?? 0)) return;
    held.waiting.push({ requestId, payload, attempt: attempt + 1 });
    this.#proceed(held);
  }

  #run(held: Held, type: InvocationType, requestId: string, payload: Buffer): Promise<Outcome> {
    const { name } = held.settings;
    const { generation } = held;
    held.running += 1;
    const startedAt = new Date().toISOString();
    const record = this.#record(name, {
      requestId,
      type,
      startedAt,
      durationMs: 0,
      peakBytes: 0,
      outcome: 'running',
      log: '',
    });
    const work = async (): Promise<Outcome> => {
      const environment = this.#idle(held) ?? (await this.#open(held));
      const outcome = await environment.invoke(requestId, payload);
      if (environment.usable && held.generation === generation && !this.#closing) held.idle.push(environment);
      else await this.#close(held, environment);
      const { durationMs, initMs, peakBytes, errorType, log, body } = outcome;
      record({
        requestId,
        type,
        startedAt,
        durationMs,
        peakBytes,
        log,
        ...(initMs !== undefined && { initMs }),
        outcome: errorType === undefined ? 'succeeded' : 'failed',
        ...(errorType !== undefined && { errorType }),
        answer: body.toString('utf8'),
      });
      return outcome;
    };
    return work()
      .catch((error: unknown) => {
        record({
          requestId,
          type,
          startedAt,
          durationMs: 0,
          peakBytes: 0,
          outcome: 'failed',
          errorType: 'InternalError',
          log: String(error),
        });
        throw error;
      })
      .finally(() => {
        held.running -= 1;
        if (!this.#closing) this.#proceed(held);
      });
  }

  /** Takes one that waits; those whose processes have ended meanwhile are given up. */
  #idle(held: Held): ExecutionEnvironment | undefined {
    for (let one = held.idle.pop(); one !== undefined; one = held.idle.pop()) {
      if (one.usable) return one;
      void this.#close(held, one);
    }
    return undefined;
  }

  /** Adds what is known of an invocation, and gives back how to say more of it. */
  #record(name: string, first: FunctionInvocation): (now: FunctionInvocation) => void {
    const list = this.#invocations.get(name) ?? [];
    this.#invocations.set(name, list);
    list.push(first);
    if (list.length > keptInvocations) list.shift();
    return (now) => void list.splice(list.indexOf(first), list.includes(first) ? 1 : 0, now);
  }

  async #open(held: Held): Promise<ExecutionEnvironment> {
    const { settings } = held;
    const { region, folder } = this.#place;
    const home = await mkdtemp(join(folder, 'function-'));
    const [code, temporary] = [join(home, 'task'), join(home, 'tmp')];
    await mkdir(code);
    await mkdir(temporary);
    const environment = new ExecutionEnvironment({
      functionArn: functionArn(settings, region),
      timeoutMs: (settings.timeoutSeconds ?? 3) * 1000,
      memoryMebibytes: settings.memoryMebibytes ?? 128,
      folder: settings.code ?? code,
      runtime: await (this.#runtime ??= runtimeFile(folder)),
      variables: this.#variables(settings, settings.code ?? code, temporary),
    });
    held.environments.add(environment);
    this.#homes.set(environment, home);
    return environment;
  }

  async #close(held: Held, environment: ExecutionEnvironment): Promise<void> {
    held.environments.delete(environment);
    await environment[Symbol.asyncDispose]();
    const home = this.#homes.get(environment);
    if (home !== undefined) await rm(home, { recursive: true, force: true });
  }

  #variables(settings: FunctionSettings, code: string, temporary: string): Readonly<Record<string, string>> {
    const { account, name, role, memoryMebibytes = 128, runtime = 'nodejs24.x', handler = 'index.handler' } = settings;
    const { credentials, region } = this.#place;
    const roleName = role?.slice(role.indexOf('/') + 1);
    const keys =
      roleName === undefined ? credentials.ofUser(account) : credentials.issue(account, roleName, name, roleSeconds);
    return {
      // Lambda's own, without what is Amazon Linux's.
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      HOME: '/home/sbx_user1051',
      TMPDIR: temporary,
      LAMBDA_TASK_ROOT: code,
      _HANDLER: handler,
      AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMebibytes),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: settings.logGroup ?? `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomBytes(16).toString('hex')}`,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
      ...settings.environment,
    };
  }
}

function hasRoom({ settings, running }: Held): boolean {
  return running < (settings.reservedConcurrency ?? 1);
}
