import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import {
  areRight,
  check,
  ConfigError,
  checkText,
  connect,
  databaseForms,
  exitCodes,
  failureOf,
  plan,
  planText,
  requireUnattended,
  RestageError,
  traceOf,
  verificationText,
  verify,
  type InitOptions,
} from '../index.ts';
import { demo } from './demo.ts';
import { init } from './init.ts';
import { interruptible, type Interrupt } from './interrupt.ts';
import { findLastRuns } from './last-runs.ts';
import { keepPlan, savedPlan } from './plan-file.ts';
import { comparing, refresh } from './refresh.ts';
import { findWrong, wrongText } from './preflight.ts';
import { readSettings, type Settings } from './settings.ts';
import { openTerminal, type Terminal } from './terminal.ts';

interface GlobalOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

type Only = 'database' | 'objects' | undefined;

interface SyncOptions {
  readonly only?: Only;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly tolerance?: number;
}

interface Session {
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
  readonly signal: AbortSignal;
  readonly file: string;
  /** Called when something begins to be changed. */
  readonly onStart: () => void;
  /** Settings that were wrong until then are looked for, where the command ends with one of them. */
  readonly relyOn: (settings: Settings, only: Only) => void;
}

/** Runs one command and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const program = build();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    process.exitCode = exitCodes.usage;
    if (args.includes('--json'))
      openTerminal({ json: true }).json({ error: { code: 'usage', message: error.message.replace(/^error: /, '') } });
  }
}

function build(): Command {
  const program = new Command('restage')
    .description('Makes staging look like production again: PostgreSQL and S3, across AWS accounts.')
    .version(version(), '-v, --version')
    .exitOverride()
    .showHelpAfterError('(restage --help shows what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a step failed, 2 usage or config, 3 refused by a guard,\n4 verify found differences, 130 interrupted.',
    );

  initCommand(program);
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'the configuration', 'restage.yaml')
      .option('--json', 'one JSON document on stdout')
      .option('-q, --quiet', 'only the answer')
      .option('--debug', 'show where an error came from');
  const only = ['--only <what>', 'database or objects', parseOnly] as const;

  command('check', 'is every name, permission and connection right?')
    .option(...only)
    .action((options: GlobalOptions & { only?: Only }) =>
      perform(options, async ({ terminal, signal, file }) => {
        const { config, connect: connection } = await readSettings(file);
        const findings = await check(config, { ...connection, signal, only: options.only });
        terminal.print(checkText(findings, terminal.style, terminal.width));
        const ok = areRight(findings);
        terminal.json({ ok, findings });
        return ok ? 0 : 1;
      }),
    );

  command('plan', 'the dry run: what a sync would do, in numbers; writes nothing')
    .option(...only)
    .option('-o, --out <file>', 'also write it here as JSON, and the keys that differ beside it as .ndjson')
    .action((options: GlobalOptions & { only?: Only; out?: string }) =>
      perform(options, (session) => showPlan(session, options.only, options.out)),
    );

  command('sync', 'plan, confirm, and refresh the target from the source')
    .option(...only)
    .option('-y, --yes', 'go on without asking')
    .option('--dry-run', 'the same as plan')
    .option('--plan <file>', 'only if it is still what this plan said, as plan --out wrote it')
    .option('--tolerance <percent>', 'with --plan: by how much its counts may be off (default: 10)', parsePercent)
    .action((options: GlobalOptions & SyncOptions) =>
      perform(options, async (session) => {
        requireSense(options);
        if (options.dryRun) return showPlan(session, options.only);
        const { terminal, signal, file, onStart, interrupt, relyOn } = session;
        const onLeft = (third: string) => void (interrupt.words = { ...interrupt.words, third });
        const { only: part, yes = false, plan: planFile, tolerance = 10 } = options;
        const saved = planFile === undefined ? undefined : await savedPlan(planFile, tolerance);
        const settings = await readSettings(file);
        const { config, connect: connection } = settings;
        if (yes) requireUnattended(config);
        relyOn(settings, part);
        using ends = await connect(config, { ...connection, signal });
        const { report, exitCode } = await refresh(config, ends, terminal, {
          only: part,
          yes,
          saved,
          signal,
          onStart,
          onLeft,
        });
        terminal.json(report);
        return exitCode;
      }),
    );

  command('verify', 'compare the target with the source, as both are now')
    .option(...only)
    .action((options: GlobalOptions & { only?: Only }) =>
      perform(options, async ({ terminal, signal, file, relyOn }) => {
        const settings = await readSettings(file);
        const { config, connect: connection } = settings;
        relyOn(settings, options.only);
        using ends = await connect(config, { ...connection, signal });
        const found = await verify(config, ends, { only: options.only, signal });
        terminal.print(verificationText(found, terminal.style));
        terminal.json(found);
        return found.differences.length === 0 ? 0 : 4;
      }),
    );

  command('protect', 'mark an end, the source unless told otherwise, so that no sync ever replaces it')
    .argument('[end]', 'source or target', parseEnd, 'source')
    .option('-y, --yes', 'go on without asking')
    .option('--print', 'write nothing; print the SQL and the AWS commands that do it by hand')
    .action((end: 'source' | 'target', options: GlobalOptions & { yes?: boolean; print?: boolean }) =>
      perform(options, async ({ terminal, signal, file, onStart }) => {
        const { config, connect: connection } = await readSettings(file);
        const { protectEnd } = await import('./protect.ts');
        const { yes = false, print = false } = options;
        return protectEnd(config, terminal, { side: end, yes, print, connect: connection, signal, onStart });
      }),
    );

  program
    .command('demo')
    .description('the whole thing on this machine, nothing to configure')
    .option('--full', 'objects of 1.7 GB in all')
    .option('--keep', 'leave it running, to try the commands by hand')
    .option('--json', 'one JSON document on stdout')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .action((options: Omit<GlobalOptions, 'config'> & { full?: boolean; keep?: boolean }) =>
      perform({ ...options, config: '' }, ({ terminal, interrupt, onStart }) =>
        demo(terminal, { full: options.full ?? false, keep: options.keep ?? false, interrupt, onStart }),
      ),
    );
  return program;
}

function initCommand(program: Command): void {
  const command = program
    .command('init')
    .description('write a restage.yaml, by options or by questions, and check it')
    .option('-c, --config <file>', 'the file to write', 'restage.yaml')
    .option('--force', 'replace the file where it is there already');
  const each = (value: string, others: readonly string[] = []) => [...others, value];
  for (const side of ['source', 'target'] as const)
    command
      .option(`--${side}-profile <name>`, `the AWS profile of the ${side}`)
      .option(`--${side}-region <region>`, "where it is not the profile's own")
      .option(`--${side}-database <database>`, databaseForms)
      .option(`--${side}-bucket <name=bucket>`, 'a bucket, by a name that is the same at both ends; repeatable', each)
      .option(`--${side}-app <url>`, "the base of its application's API")
      .option(`--${side}-name <name>`, `what the ${side} is called`, side === 'source' ? 'production' : 'staging')
      .option(`--${side}-endpoint <[service=]url>`, 'instead of AWS, for s3 or all services; repeatable', each);
  command
    .option('--function <name>', 'the function of the target that refreshes the database inside the VPC')
    .option('--json', 'one JSON document on stdout; nothing is asked')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .action((options: GlobalOptions & InitOptions & { force?: boolean }) =>
      perform(options, ({ terminal, signal, file }) =>
        init(terminal, { file, options, force: options.force ?? false, silent: options.json ?? false, signal }),
      ),
    );
}

/** Throws `usage` for options that would be read past. */
function requireSense({ plan: file, only, dryRun, tolerance }: SyncOptions): void {
  const beside = [only && '--only', dryRun && '--dry-run'].filter(Boolean);
  if (file !== undefined && beside.length > 0)
    throw new RestageError('usage', `${beside.join(' and ')} cannot be said beside --plan: ${file} says what is done`, {
      hint: 'For another part make another plan: restage plan --only database --out FILE',
    });
  if (file === undefined && tolerance !== undefined)
    throw new RestageError('usage', '--tolerance is read only beside --plan FILE');
}

async function showPlan({ terminal, signal, file, relyOn }: Session, only: Only, out?: string): Promise<number> {
  const settings = await readSettings(file);
  const { config, connect: connection } = settings;
  relyOn(settings, only);
  using ends = await connect(config, { ...connection, signal });
  using kept = out === undefined ? undefined : keepPlan(out);
  const last = await findLastRuns(ends);
  const planned = await comparing(terminal, (onCompared) =>
    plan(config, ends, { only, last, signal, onObject: kept?.add, onCompared }),
  );
  kept?.finish(planned);
  terminal.print(planText(planned, terminal.style));
  terminal.json(planned);
  const [refusal] = planned.refusals ?? [];
  for (const { message, hint } of planned.refusals ?? []) {
    terminal.warn(`${terminal.style('bad', '✗')} ${message}`);
    if (hint !== undefined) terminal.warn(`  ${hint}`);
  }
  return refusal ? exitCodes[refusal.code] : 0;
}

/** The frame of every command: output, interrupts, and errors as sentences. */
async function perform(options: GlobalOptions, act: (session: Session) => Promise<number>): Promise<void> {
  const terminal = openTerminal(options);
  using interrupt = interruptible(terminal.warn, options.debug);
  const { signal } = interrupt;
  let started = false;
  const onStart = () => void (started = true);
  let relied: { readonly settings: Settings; readonly only: Only } | undefined;
  const relyOn: Session['relyOn'] = (settings, only) => void (relied = { settings, only });
  try {
    const code = await act({ terminal, interrupt, signal, file: options.config, onStart, relyOn });
    process.exitCode = interrupt.fault ? exitCodes.internal : code;
  } catch (error) {
    const message = started ? 'interrupted after the refresh had ended' : 'interrupted; nothing was changed';
    const stopped = interrupt.fault ?? { code: 'interrupted' as const, message };
    const failure = signal.aborted ? stopped : failureOf(error);
    terminal.warn(`${terminal.style('bad', '✗')} ${failure.message}`);
    if ('hint' in failure && failure.hint !== undefined) terminal.warn(`  ${failure.hint}`);
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
  }
}

function parseOnly(value: string): Only {
  if (value === 'database' || value === 'objects') return value;
  throw new InvalidArgumentError('It is database or objects.');
}

function parsePercent(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && number >= 0 && number <= 100) return number;
  throw new InvalidArgumentError('It is a number from 0 to 100.');
}

function parseEnd(value: string): 'source' | 'target' {
  if (value === 'source' || value === 'target') return value;
  throw new InvalidArgumentError('It is source or target.');
}

/** The package's own version, from the nearest package.json above: sources and the built package stand at different depths. */
function version(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      const found = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === 'restage' && found.version !== undefined) return found.version;
    } catch {
      if (folder.pathname === '/') return 'unknown';
    }
  }
}
