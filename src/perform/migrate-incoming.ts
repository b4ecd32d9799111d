import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClosing, type Closing } from '../closing.ts';
import { commandEnvironment } from '../command-environment.ts';
import { findProgram } from '../command-program.ts';
import { runCommand, type CommandEnd } from '../command.ts';
import { failureOf, keepSecret, RestageError, type Failure } from '../errors.ts';
import { trustedCertificates } from '../postgres/connection.ts';
import { endSessions } from '../postgres/end-sessions.ts';
import type { Address } from '../postgres/session.ts';
import type { Step } from '../step.ts';
import type { Context, Performed } from './context.ts';
import { requireDatabase, type DatabaseRun } from './database-run.ts';
import { judgeEffects, readStand, requireIncoming } from './command-effects.ts';
import { maintenanceOf } from './maintenance.ts';
import { judgeGoal, migrated } from './migrate-goal.ts';

type CommandStep = Extract<Step, { kind: 'migrate-incoming' }>;

/** Throws `migrate-failed` for a program that is not there: before hours of copying, not after them. */
export async function requirePrograms(steps: readonly Step[], environment: Context['environment'] = {}): Promise<void> {
  for (const step of steps)
    if (step.kind === 'migrate-incoming')
      await findProgram({ run: step.command, cwd: step.cwd, path: step.env['PATH'] ?? environment['PATH'] });
}

/** Runs a program on the new database, before it is put in place. */
export async function migrateIncoming(step: CommandStep, context: Context): Promise<Performed<'migrate-incoming'>> {
  const state = requireDatabase(context.database);
  const { incoming } = state.names;
  const before = await readStand(context);
  await using closing = openClosing();
  const env = await environmentFor(step, context, state, closing);
  const end = await start(step, env, context);
  // What it has left open would hold locks, and the name.
  const left = await endSessions(await maintenanceOf(state), incoming);
  if (left > 0)
    state.remarks.push(
      `${step.command.join(' ')} had left ${left === 1 ? '1 session' : `${left} sessions`} open in the new database, which restage ended`,
    );
  const said = `${step.command.join(' ')}: ${endOf(step, end)}`;
  await requireIncoming(state, said);
  const after = await readStand(context);
  const facts = { ...migrated(before.incoming, after.incoming), exitCode: end.exitCode, output: end.output };
  const effects = judgeEffects(said, before, after);
  state.remarks.push(...effects.remarks);
  if (effects.changedBeside !== undefined) state.changedBeside = effects.changedBeside;
  if (end.late || end.exitCode !== 0) return { facts, failure: failed(step, end) };
  if (effects.failure) return { facts, failure: failureOf(effects.failure) };
  const unmoved = before.incoming?.revision === after.incoming?.revision;
  const { failure, remark } = judgeGoal(
    step,
    after.incoming,
    said,
    unmoved
      ? 'Nothing has changed there: the program may have changed another database. Does it take the address from DATABASE_URL or PG*?'
      : 'Does the command go as far as the code does? migrate.versions must be the folder of the same code.',
  );
  if (remark !== undefined) state.remarks.push(remark);
  return { facts, ...(failure ? { failure: failureOf(failure) } : {}) };
}

async function start(step: CommandStep, env: Readonly<Record<string, string>>, context: Context): Promise<CommandEnd> {
  const { command, cwd, timeoutSeconds } = step;
  const file = await findProgram({ run: command, cwd, path: env['PATH'] });
  try {
    return await runCommand(
      { file, run: command, cwd, env, timeoutSeconds },
      { signal: context.signal, onLine: (line) => context.tell(step, line) },
    );
  } catch (error) {
    if (context.signal.aborted) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new RestageError('migrate-failed', `${command.join(' ')} could not be started in ${cwd}: ${words}`, {
      cause: error,
      hint: `Is ${file} a program of this machine, and its interpreter installed?`,
    });
  }
}

/** The environment that leads to the new database, and to no other; what it names is there until `closing` is closed. */
async function environmentFor(
  step: CommandStep,
  { environment, ends, signal }: Context,
  { target, names, run }: DatabaseRun,
  closing: Closing,
): Promise<Record<string, string>> {
  const { address } = target;
  const password = await passwordOf(address);
  const { host, port, user, tunnel } = address;
  const source = ends.source.database?.address;
  const env = commandEnvironment(
    environment,
    step.env,
    {
      host,
      port,
      database: names.incoming,
      user,
      password,
      tunnelPort: tunnel && (await tunnel.port(signal)),
      certificates: address.tls === 'disable' ? undefined : await writeCertificates(address, closing),
      application: `restage ${run} ${step.id}`,
    },
    {
      hosts: source ? [source.host] : [],
      passwords: [source?.password, password].filter((one) => typeof one === 'string'),
    },
  );
  if (password !== '') keepSecret(env['DATABASE_URL'] ?? '');
  return env;
}

/** One of IAM holds for a quarter of an hour: it is made for each command. */
async function passwordOf({ password }: Address): Promise<string> {
  return typeof password === 'string' ? password : keepSecret(await password());
}

/** What restage itself trusts, in a file for libpq. */
async function writeCertificates({ ca }: Address, closing: Closing): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-'));
  closing.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'certificates.pem');
  await writeFile(file, `${trustedCertificates(ca).join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** How many of its last lines a message tells; the report has more. */
const toldLines = 20;

/** In a word or two. */
function endOf({ timeoutSeconds }: CommandStep, { exitCode, signal, late }: CommandEnd): string {
  if (late) return `ended after ${timeoutSeconds} s`;
  return signal === undefined ? `exit code ${exitCode}` : `ended by ${signal}`;
}

function failed(
  { command, cwd, timeoutSeconds }: CommandStep,
  { exitCode, signal, late, output }: CommandEnd,
): Failure {
  const how = late
    ? `had not ended after ${timeoutSeconds} s, and was ended`
    : signal === undefined
      ? `ended with exit code ${exitCode}`
      : `was ended by ${signal}`;
  const last = output.slice(-toldLines).map((line) => `\n  ${line}`);
  const words = last.length === 0 ? '; it wrote nothing' : `:${last.join('')}`;
  return failureOf(
    new RestageError('migrate-failed', `${command.join(' ')} in ${cwd} ${how}${words}`, {
      hint: hintFor(late, exitCode, output, timeoutSeconds),
    }),
  );
}

function hintFor(late: boolean, exitCode: number, output: readonly string[], timeoutSeconds: number): string {
  if (late)
    return `Where it only needs longer, raise timeoutSeconds of the command in migrate (${timeoutSeconds} now). It has no terminal: a question that it asks is never answered.`;
  if (output.some((line) => line.includes("Can't locate revision")))
    return "The source's database names a revision that this code does not hold: the target's code is behind, or cwd is another checkout.";
  if (exitCode === 126 || exitCode === 127) return 'A program that it starts is not there, or may not be run.';
  const more = output.length > toldLines ? ' The report has more of what it wrote.' : '';
  return `The new database is dropped, the target stays as it is.${more}`;
}
