import { ConfigError, exitCodes, failureMarkdown, failureOf, traceOf, type Failure } from '../index.ts';
import { openGitHub, type GitHub } from './github.ts';
import { interruptible, type Interrupt } from './interrupt.ts';
import { findWrong, wrongText } from './preflight.ts';
import type { Settings } from './settings.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export interface GlobalOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

export type Only = 'database' | 'objects' | undefined;

/** What a command works with. */
export interface Session {
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
  readonly signal: AbortSignal;
  readonly file: string;
  /** Called when something begins to be changed; what is then said of an interrupt. */
  readonly onStart: (interrupted?: string) => void;
  readonly github: GitHub;
  /** Called with why the command ended, where that is an error: when all has been said and the exit code is known. */
  readonly onFailure: (tell: (failure: Failure) => Promise<void>) => void;
  /** Settings that were wrong until then are looked for, where the command ends with one of them. */
  readonly relyOn: (settings: Settings, only: Only) => void;
}

/** The frame of every command: output, interrupts, and errors as sentences. */
export async function perform(options: GlobalOptions, act: (session: Session) => Promise<number>): Promise<void> {
  const terminal = openTerminal(options);
  using interrupt = interruptible(terminal.warn, options.debug);
  const { signal } = interrupt;
  const github = openGitHub({
    environment: process.env,
    title: titleOf(process.argv[2]),
    // With --json all of stdout is one document.
    write: options.json ? console.error : console.log,
    warn: terminal.warn,
  });
  let started = false;
  let message = 'interrupted; nothing was changed';
  const onStart: Session['onStart'] = (interrupted = 'interrupted after the refresh had ended') => {
    started = true;
    message = interrupted;
  };
  let relied: { readonly settings: Settings; readonly only: Only } | undefined;
  const relyOn: Session['relyOn'] = (settings, only) => void (relied = { settings, only });
  let tellFailure: ((failure: Failure) => Promise<void>) | undefined;
  const onFailure: Session['onFailure'] = (tell) => void (tellFailure = tell);
  const { config: file } = options;
  try {
    const code = await act({ terminal, interrupt, signal, file, github, onStart, onFailure, relyOn });
    process.exitCode = interrupt.fault ? exitCodes.internal : code;
  } catch (error) {
    const stopped = interrupt.fault ?? { code: 'interrupted' as const, message };
    const failure: Failure = signal.aborted ? stopped : failureOf(error);
    terminal.warn(`${terminal.style('bad', '✗')} ${failure.message}`);
    if (failure.hint !== undefined) terminal.warn(`  ${failure.hint}`);
    if (options.debug) terminal.warn(traceOf(error));
    // Each problem of a configuration is there for programs too.
    const problems = !signal.aborted && error instanceof ConfigError ? error.problems : undefined;
    process.exitCode = exitCodes[failure.code];
    const findings = relied && !started ? await findWrong(failure, relied.settings, relied.only, signal) : [];
    const text = wrongText(findings, failure, terminal);
    if (text !== undefined) terminal.warn(text);
    terminal.json({
      error: problems === undefined ? failure : { ...failure, problems },
      ...(findings.length === 0 ? {} : { findings }),
    });
    github.annotate('error', [[failure.message, failure.hint ?? ''].join('\n').trim()]);
    github.summary(failureMarkdown(titleOf(process.argv[2]), failure));
    await tellFailure?.(failure);
  }
}

/** The command as people write it. */
function titleOf(command = ''): string {
  return /^[a-z]+$/.test(command) ? `restage ${command}` : 'restage';
}
