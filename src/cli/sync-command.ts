import type { Command } from 'commander';
import { connect, exitCodes, fit, planText, requireUnattended, RestageError } from '../index.ts';
import { onlyOption, onOption, parsePercent, type Place } from './arguments.ts';
import { perform, type GlobalOptions, type Only, type Session } from './frame.ts';
import { tellPlan, tellReport } from './github-results.ts';
import { openHerald } from './herald.ts';
import { keepPlan, savedPlan } from './plan-file.ts';
import { comparing, refresh } from './refresh.ts';
import { localRoute, type Route } from './route.ts';
import { readSettings, type Settings } from './settings.ts';

interface SyncOptions {
  readonly only?: Only;
  readonly on?: Place;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly tolerance?: number;
}

/** `plan` and `sync`: what would be done, and doing it. `command` makes one with the options that all have. */
export function syncCommands(command: (name: string, description: string) => Command): void {
  command('plan', 'the dry run: what a sync would do, in numbers; writes nothing')
    .option(...onlyOption)
    .option(...onOption)
    .option('-o, --out <file>', 'also write it here as JSON, and the keys that differ beside it as .ndjson')
    .action((options: GlobalOptions & PlanCommandOptions) => perform(options, (session) => showPlan(session, options)));

  command('sync', 'plan, confirm, and refresh the target from the source')
    .option(...onlyOption)
    .option(...onOption)
    .option('-y, --yes', 'go on without asking; only where the config says which account the target is in')
    .option('--dry-run', 'the same as plan')
    .option('--plan <file>', 'do what this file of plan --out says, or say what has changed since')
    .option('--tolerance <percent>', 'with --plan: by how much its counts may be off (default: 10)', parsePercent)
    .action((options: GlobalOptions & SyncOptions) =>
      perform(options, async (session) => {
        requireSense(options);
        if (options.dryRun) return showPlan(session, { only: options.only, on: options.on });
        const { terminal, signal, file, github, onStart, interrupt } = session;
        const onLeft = (third: string) => void (interrupt.words = { ...interrupt.words, third });
        const { only: part, on, yes = false, plan: planFile, tolerance = 10 } = options;
        const settings = await readSettingsFor(file, on, part);
        const { config } = settings;
        const herald = openHerald(config, session);
        session.onFailure(herald.refused);
        const saved = planFile === undefined ? undefined : await savedPlan(planFile, tolerance);
        const only = part ?? saved?.plan.only;
        if (yes) requireUnattended(config, { only });
        await using route = await openRoute(settings, session, { only, on, tolerancePercent: tolerance });
        const { report, exitCode } = await refresh(route, terminal, {
          only: part,
          yes,
          saved,
          signal,
          onStart,
          onLeft,
        });
        terminal.json(report);
        tellReport(github, report);
        await herald.ended(report);
        return exitCode;
      }),
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

interface RouteOptions {
  readonly only?: Only;
  readonly on?: Place | undefined;
  readonly tolerancePercent?: number;
}

/** From here, or by the function. What the databases alone need need not be set where the function reaches them. */
async function openRoute(settings: Settings, session: Session, options: RouteOptions): Promise<Route> {
  const { only, on = 'local', tolerancePercent } = options;
  const { config, connect: connection } = settings;
  const { signal, relyOn } = session;
  if (on === 'lambda') {
    if (only !== 'database') relyOn(settings, 'objects');
    const { lambdaRoute } = await import('./lambda-route.ts');
    return lambdaRoute(settings, session, { only, tolerancePercent });
  }
  relyOn(settings, only);
  const ends = await connect(config, { ...connection, only, signal });
  const route = localRoute(config, ends);
  return {
    ...route,
    [Symbol.asyncDispose]: async () => {
      await route[Symbol.asyncDispose]();
      ends[Symbol.dispose]();
    },
  };
}

/** Without the function's part all is done here, and asked here: the applications too. */
function readSettingsFor(file: string, on: Place | undefined, only: Only): Promise<Settings> {
  return readSettings(file, process.env, on === 'lambda' && only !== 'objects' ? 'buckets' : undefined);
}

interface PlanCommandOptions {
  readonly only?: Only;
  readonly on?: Place | undefined;
  readonly out?: string;
}

async function showPlan(session: Session, { only, on, out }: PlanCommandOptions): Promise<number> {
  const { terminal, signal, file, github } = session;
  await using route = await openRoute(await readSettingsFor(file, on, only), session, { only, on });
  using kept = out === undefined ? undefined : keepPlan(out);
  const last = await route.lastRuns();
  const planned = await comparing(terminal, (onCompared) =>
    route.plan({ only, last, signal, onObject: kept?.add, onCompared }),
  );
  kept?.finish(planned);
  terminal.print(fit(planText(planned, terminal.style), terminal.width));
  terminal.json(planned);
  tellPlan(github, planned);
  const [refusal] = planned.refusals ?? [];
  for (const { message, hint } of planned.refusals ?? []) {
    terminal.warn(`${terminal.style('bad', '✗')} ${message}`);
    if (hint !== undefined) terminal.warn(`  ${hint}`);
  }
  return refusal ? exitCodes[refusal.code] : 0;
}
