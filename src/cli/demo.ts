import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment, startEnvironment } from '../../demo/environment.ts';
import { connect, fit, RestageError, verificationText, verify, type Report, type Verification } from '../index.ts';
import type { Place } from './arguments.ts';
import type { Session } from './frame.ts';
import { refresh } from './refresh.ts';
import { localRoute } from './route.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Interrupt } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

export interface DemoOptions {
  readonly full: boolean;
  readonly keep: boolean;
  readonly on: Place;
}

/** A production and a staging on this machine, refreshed and verified. Returns the exit code. */
export async function demo(session: Session, { full, keep, on }: DemoOptions): Promise<number> {
  const { terminal, interrupt } = session;
  const { startEnvironment: start } = await loadEnvironment();
  const { style } = terminal;
  const { signal } = interrupt;
  terminal.tell(
    fit(
      style(
        'strong',
        'a production and a staging on this machine: two PostgreSQL servers, a local AWS, two applications',
      ),
      terminal.width,
    ),
  );
  interrupt.words = {
    ...interrupt.words,
    second: 'still stopping; once more ends at once, and leaves its folder behind',
    third: `left behind: the newest folder restage-demo-… in ${tmpdir()}, and the servers that run in it`,
  };
  await using environment = await start({
    full,
    onProgress: (line) => terminal.tell(fit(style('dim', `  ${line}`), terminal.width)),
  }).catch((error: unknown) => {
    throw unavailable(error);
  });
  interrupt.words = {
    ...interrupt.words,
    third: `left behind: the folder ${environment.folder}, and the servers that run in it`,
  };
  signal.throwIfAborted();
  const settings = await readSettings(environment.configFile, { ...environment.variables });
  if (on === 'lambda') await deploy(environment, terminal);
  terminal.tell('');
  const { report, verification, exitCode } = await refreshAndVerify(settings, session, on);
  if (verification) terminal.tell(`\n${fit(verificationText(verification, style), terminal.width)}`);
  terminal.json({ report, ...(verification ? { verification } : {}) });
  if (keep) await keepRunning(environment, terminal, interrupt, on);
  return exitCode;
}

/** The function gets its bundle and its configuration, as a deployment would bring them. */
async function deploy({ deployFunction }: Pick<Environment, 'deployFunction'>, terminal: Terminal): Promise<void> {
  await deployFunction();
  terminal.tell(fit(terminal.style('dim', '  staging: the function is built and deployed'), terminal.width));
}

/** A person types the same as `sync --yes`, then `verify`. */
async function refreshAndVerify(
  settings: Settings,
  session: Session,
  on: Place,
): Promise<{ readonly report: Report; readonly verification?: Verification; readonly exitCode: number }> {
  const { terminal, signal, onStart } = session;
  const { config, connect: connection } = settings;
  const there = on === 'lambda' ? await import('./lambda-route.ts') : undefined;
  using ends = there
    ? await there.connectBuckets(config, connection, signal)
    : await connect(config, { ...connection, signal });
  await using route = there
    ? await there.lambdaRoute(settings, session, { only: undefined })
    : localRoute(config, ends);
  const { report, exitCode } = await refresh(route, terminal, { yes: true, signal, onStart });
  if (exitCode !== 0) return { report, exitCode };
  const verification = there
    ? await there.compareOnLambda(settings, ends, signal)
    : await verify(config, ends, { signal });
  return { report, verification, exitCode: verification.differences.length > 0 ? 4 : 0 };
}

async function keepRunning(
  environment: {
    readonly folder: string;
    readonly configFile: string;
    readonly variables: Readonly<Record<string, string>>;
  },
  terminal: Terminal,
  interrupt: Interrupt,
  on: Place,
): Promise<void> {
  const { signal } = interrupt;
  const file = join(environment.folder, 'env.sh');
  const exports = Object.entries(environment.variables).map(([name, value]) => `export ${name}='${value}'\n`);
  await writeFile(file, exports.join(''), { mode: 0o600 });
  interrupt.words = { ...interrupt.words, first: 'stopping …' };
  const program = process.env['npm_lifecycle_event'] === 'demo' ? 'npm run restage --' : 'npx restage';
  // Whoever asked for it to stay must be told how it ends, with --quiet too.
  terminal.warn(
    [
      '',
      terminal.style('strong', 'It stays up until Ctrl-C. In another terminal:'),
      `  . ${file}`,
      ...['check', 'plan', 'drift', 'sync', 'verify', 'status', 'runs', 'rollback'].map(
        (command) =>
          `  ${program} ${command} --config ${environment.configFile}${on === 'lambda' && !['drift', 'runs'].includes(command) ? ' --on lambda' : ''}`,
      ),
      `  ${program} report --open`,
    ].join('\n'),
  );
  // A timer keeps the process alive; an aborted signal alone would not.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {}, 60_000);
    const end = () => {
      clearInterval(timer);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

async function loadEnvironment(): Promise<{ readonly startEnvironment: typeof startEnvironment }> {
  try {
    return await import('../../demo/environment.ts');
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'embedded-postgres-missing') {
    const [what, command] = error.message.split('. This command installs both PostgreSQL servers: ');
    return new RestageError('demo-unavailable', what ?? error.message, {
      cause: error,
      hint: `Install both PostgreSQL servers for it: ${command}`,
    });
  }
  return error;
}
