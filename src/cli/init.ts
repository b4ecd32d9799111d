import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { areRight, check, checkText, failureOf, RestageError, type Finding } from '../index.ts';
import {
  completeDraft,
  configText,
  draftOf,
  lackingOptions,
  maskKeyVariable,
  needMaskKey,
  readOptions,
  type Answers,
  type Draft,
  type InitOptions,
} from '../init/index.ts';
import { askAnswers } from './init-questions.ts';
import { canAsk, openQuestions } from './questions.ts';
import { profileFilesOf, readSettings } from './settings.ts';
import type { Terminal } from './terminal.ts';

export interface InitCommand {
  readonly file: string;
  readonly options: InitOptions;
  /** A file that is there already may be replaced. */
  readonly force: boolean;
  /** Nobody is asked. */
  readonly silent: boolean;
  readonly signal: AbortSignal;
}

/** Writes a configuration, from options or by questions, and checks it. Returns the exit code. */
export async function init(terminal: Terminal, command: InitCommand): Promise<number> {
  const { file, signal } = command;
  const given = readOptions(command.options);
  // A URL among the arguments may hold a password, which everybody on the machine could read in the list of processes.
  process.title = 'restage init';
  const lacking = lackingOptions(given);
  const questions = !command.silent && canAsk() ? await openQuestions(signal) : undefined;
  if (lacking.length > 0 && !questions) throw tooFew(lacking);
  let replaces = command.force;
  if (!replaces && existsSync(file)) {
    replaces = (await questions?.agree(`${file} is there already. Replace it?`, false)) ?? false;
    if (!replaces) throw alreadyThere(file);
  }
  const connect = { profileFiles: profileFilesOf(process.env), signal };
  const answers = lacking.length > 0 && questions ? await askAnswers(given, questions, connect) : given;
  requireEnough(answers);
  if (lacking.length > 0 && questions) {
    questions.tell(agreement(answers));
    if (!(await questions.agree(`Write ${file}?`, true)))
      throw new RestageError('not-confirmed', `${file} was not written`);
  }
  const variables = { ...process.env, ...valuesOf(answers) };
  const { draft, notes } = await completeDraft(draftOf(answers), { ...connect, variables });
  const text = configText(draft);
  const isKeyless =
    draft.tables !== undefined && needMaskKey(draft.tables) && process.env[maskKeyVariable] === undefined;
  signal.throwIfAborted();
  write(file, text, replaces);
  const told = [answers.source, answers.target].flatMap(({ database }) => database?.note ?? []);
  const exports = variablesOf(answers).filter((name) => process.env[name] === undefined);
  terminal.tell(terminal.style('strong', `${file} is written`));
  for (const note of [...told, ...notes]) terminal.tell(`  ${terminal.style('warn', note)}`);
  for (const line of tablesTold(draft)) terminal.tell(`  ${terminal.style('warn', line)}`);
  for (const name of exports) terminal.tell(`  It reads ${name}, which is not set: export ${name}=…`);
  if (isKeyless)
    terminal.tell(
      `  It reads ${maskKeyVariable}, which is not set: export ${maskKeyVariable}=$(openssl rand -hex 32), and keep it: the same key masks alike`,
    );
  terminal.tell('');
  // The rest can be tried without the masks' key.
  const standIn = isKeyless ? { [maskKeyVariable]: randomBytes(32).toString('hex') } : {};
  const checked = await tryOut(terminal, file, { ...variables, ...standIn }, isKeyless, signal);
  const { tables = null } = draft;
  const unset = [...exports, ...(isKeyless ? [maskKeyVariable] : [])];
  terminal.json({ file, ok: checked.ok, exports: unset, notes: [...told, ...notes], tables, ...checked.more });
  if (checked.ok) terminal.tell(`\nnext: restage plan${file === 'restage.yaml' ? '' : ` --config ${file}`}`);
  else terminal.warn(`${file} is written; correct it, and try it again with: restage check --config ${file}`);
  return checked.exitCode;
}

interface TriedOut {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly more: Readonly<Record<string, unknown>>;
}

/** Checks the file as `restage check` does. What keeps it from being checked does not take back that it is written. */
async function tryOut(
  terminal: Terminal,
  file: string,
  variables: NodeJS.ProcessEnv,
  isKeyless: boolean,
  signal: AbortSignal,
): Promise<TriedOut> {
  try {
    const { config, connect } = await readSettings(file, variables);
    const findings = (await check(config, { ...connect, signal })).map((one) => asItIs(one, isKeyless));
    terminal.print(checkText(findings, terminal.style, { width: terminal.width }));
    const ok = areRight(findings);
    return { ok, exitCode: ok ? 0 : 1, more: { findings } };
  } catch (error) {
    const failure = failureOf(error);
    terminal.warn(`${terminal.style('bad', '✗')} not checked: ${failure.message}`);
    if (failure.hint !== undefined) terminal.warn(`  ${failure.hint}`);
    return { ok: false, exitCode: signal.aborted ? 130 : 1, more: { error: failure } };
  }
}

/** Of a key that only stood in for the missing one nothing is told. */
function asItIs(finding: Finding, isKeyless: boolean): Finding {
  if (!isKeyless || finding.setting !== 'database.masks.key') return finding;
  const { group, setting, configured } = finding;
  const fix = `export ${maskKeyVariable}=$(openssl rand -hex 32)`;
  return { group, setting, configured, found: `${maskKeyVariable} is not set yet`, verdict: 'note', fix };
}

/** What was proposed of the tables; the file says why. */
function tablesTold({ tables }: Draft): string[] {
  if (!tables) return [];
  const { rules, suggestions, left } = tables;
  const masked = rules.reduce((sum, { mask }) => sum + Object.keys(mask).length, 0);
  const told = (many: number, one: string, more: string, what: string) =>
    many === 0 ? [] : [`${many} ${many === 1 ? one : more} ${what}`];
  return [
    ...told(
      masked,
      'column that looks personal gets a mask',
      'columns that look personal get masks',
      'in the file: look at each',
    ),
    ...told(
      rules.filter(({ rows }) => rows === 'keep').length,
      'table keeps',
      'tables keep',
      "staging's own rows: logins and keys, by their names",
    ),
    ...told(
      rules.filter(({ carry }) => carry).length,
      'table carries over',
      'tables carry over',
      "staging's ids at other services",
    ),
    ...told(left.length, 'column looks', 'columns look', 'personal, and no mask fits: the file says which'),
    ...told(suggestions.length, 'table looks', 'tables look', 'bound to production, such as jobs: the file says which'),
  ];
}

function requireEnough(answers: Answers): void {
  const lacking = lackingOptions(answers);
  if (lacking.length > 0)
    throw new RestageError('usage', 'neither a database nor buckets were named; nothing was written');
}

function tooFew(lacking: readonly string[]): RestageError {
  return new RestageError(
    'usage',
    `there is nobody to ask; still needed:\n${lacking.map((one) => `  ${one}`).join('\n')}`,
    {
      hint: 'For example: restage init --source-profile bmx-prod --source-database bluemoxon/db-credentials --target-profile bmx-staging --target-database bluemoxon-staging/database',
    },
  );
}

function alreadyThere(file: string): RestageError {
  return new RestageError('file-exists', `${file} is there already; it was left as it is`, {
    hint: 'Write another with --config FILE, or replace it with --force.',
  });
}

/** What goes from where to where. */
function agreement({ source, target, function: name }: Answers): string {
  const database = (end: Answers['source']) => {
    const { secret, identifier, url, host, database: called } = end.database?.database ?? {};
    return secret ?? identifier ?? url ?? `${called} at ${host}`;
  };
  const through = ({ profile, account }: Answers['source']) =>
    profile === undefined ? '' : ` (${profile}${account === undefined ? '' : `, account ${account}`})`;
  return [
    `${source.name}${through(source)} → ${target.name}${through(target)}`,
    ...(source.database ? [`  database ${database(source)} → ${database(target)}`] : []),
    ...Object.entries(source.buckets).map(([key, bucket]) => `  bucket ${bucket} → ${target.buckets[key]}`),
    ...(name === undefined ? [] : [`  function ${name}`]),
  ].join('\n');
}

function variablesOf({ source, target }: Answers): string[] {
  return [source, target].flatMap(({ database }) => database?.variable?.name ?? []);
}

/** What was given and must not be written. */
function valuesOf({ source, target }: Answers): Record<string, string> {
  const given = [source, target].flatMap(({ database }) => database?.variable ?? []);
  return Object.fromEntries(given.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

/**
 * All of it or nothing. As readable as the umask lets any file be: it holds no secret, and is there to be kept beside the
 * code and read by colleagues.
 */
function write(file: string, text: string, replaces: boolean): void {
  const isThere = replaces && existsSync(file);
  // What a link leads to is replaced, and not the link.
  const place = isThere ? realpathSync(file) : file;
  const fresh = `${place}.${process.pid}.new`;
  try {
    if (isThere) {
      writeFileSync(fresh, text, { flag: 'wx', mode: statSync(place).mode & 0o777 });
      renameSync(fresh, place);
    } else writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if (isThere) rmSync(fresh, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && !replaces) throw alreadyThere(file);
    throw new RestageError('folder-unwritable', `${file} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
