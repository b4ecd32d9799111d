import { dirname, resolve } from 'node:path';
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  type Document,
  type YAMLError,
} from 'yaml';
import type { z } from 'zod';
import { schema } from './config-schema.ts';
import { problemsOf, type Problem } from './config-problems.ts';
import { isSecretName, keepSecret, redact, RestageError } from './errors.ts';
import { nearest } from './nearest.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The configuration, parsed and trusted: every default filled in, every name spelled right, passwords in place. */
export type Config = DeepReadonly<z.output<typeof schema>> & {
  /** What `passwordEnv` named, by the variable's name. */
  readonly passwords: Readonly<Record<string, string>>;
};
export type EndConfig = Config['source'];
export type AwsConfig = NonNullable<EndConfig['aws']>;
export type DatabaseConfig = NonNullable<EndConfig['database']>;
export type AppConfig = NonNullable<EndConfig['app']>;

export interface LoadOptions {
  /** The file's name, for messages. */
  readonly file?: string;
  /** What `${VAR}` and `passwordEnv` are read from; the library itself never reads the environment. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /**
   * Only the target is used, or only what leads to buckets and to the function that reaches the databases: variables that stand
   * anywhere else need not be set.
   */
  readonly only?: 'target' | 'buckets';
}

/** One problem of a configuration, for programs. */
export interface ConfigProblem {
  /** Of the file, from 1; absent where the settings came as an object. */
  readonly line?: number;
  /** With dots; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** `config-invalid`, with every problem beside the sentences about them. */
export class ConfigError extends RestageError {
  readonly problems: readonly ConfigProblem[];

  constructor(message: string, problems: readonly ConfigProblem[], hint: string | undefined) {
    super('config-invalid', message, { hint });
    this.problems = problems.map((problem) => ({ ...problem, message: redact(problem.message) }));
  }
}

/**
 * YAML text, or the object that it would give, as a Config.
 * Throws `config-invalid` with every problem at once: line, path, what was expected, and the near name of a wrong key.
 */
export function loadConfig(settings: string | object, options: LoadOptions = {}): Config {
  const file = options.file ?? 'restage.yaml';
  const variables = options.variables ?? {};
  const folder = folderOf(file);
  const lines = new LineCounter();
  const document = typeof settings === 'string' ? parse(settings, file, lines) : undefined;
  let problems: Problem[] = [];
  const raw: unknown = document ? plainOf(document, file) : settings;
  const parsed = schema.safeParse(substitute(raw, variables, problems, options.only && placeholder), {
    reportInput: true,
  });
  // What is not set elsewhere matters only where nothing can be read without it.
  if (options.only === 'target' && parsed.success) {
    parsed.data.notify = [...addressed(parsed.data.notify, problems)];
    problems = problems.filter(({ path }) => path[0] === 'target');
  }
  if (options.only === 'buckets' && parsed.success)
    problems = problems.filter(({ path }) => !databasePaths.some((part) => part.test(path.join('.'))));
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(problemsOf));
  const passwords: Record<string, string> = {};
  if (parsed.success)
    for (const side of ['source', 'target'] as const) {
      const name = parsed.data[side].database?.passwordEnv;
      const value = name === undefined ? undefined : variables[name];
      const isUsed = options.only === undefined || (options.only === 'target' && side === 'target');
      if (name !== undefined && value === undefined && !isUsed) continue;
      if (name !== undefined && value === undefined)
        problems.push({ path: [side, 'database', 'passwordEnv'], ...unset(name, variables) });
      else if (name !== undefined && value !== undefined) passwords[name] = value;
    }
  if (!parsed.success || problems.length > 0) throw invalid(file, problems, document, lines);
  const { source, target, database: data, migrate, notify } = parsed.data;
  for (const { database } of [source, target])
    if (database?.ca !== undefined) database.ca = resolve(folder, database.ca);
  for (const one of data.afterLoad) if (one.file !== undefined) one.file = resolve(folder, one.file);
  if (migrate.versions !== undefined) migrate.versions = resolve(folder, migrate.versions);
  for (const { http, command } of migrate.steps) {
    if (command) command.cwd = resolve(folder, command.cwd ?? '.');
    keepSecretsOf(http?.headers ?? command?.env ?? {});
  }
  // Whoever has the address may post there.
  for (const { slack, webhook, headers } of notify) {
    for (const url of [slack, webhook]) if (url !== undefined) keepSecret(url);
    keepSecretsOf(headers);
  }
  if (data.masks.key !== undefined) keepSecret(data.masks.key);
  return { ...parsed.data, passwords };
}

/** The settings of a text as they stand there, no variable put in. Throws `config-invalid` for what is no YAML. */
export function readSettings(text: string, file: string): unknown {
  return plainOf(parse(text, file, new LineCounter()), file);
}

/**
 * Where the names of files in a configuration begin: where it stands itself, or, where it was read from no file (`s3://…`, `ssm:…`),
 * where the process does.
 */
export function folderOf(file: string): string {
  return /^(s3:\/\/|ssm:)/.test(file) ? '.' : dirname(file);
}

/** What the databases and the applications are reached by, and what becomes of them. */
const databasePaths = [/^(source|target)\.(database|app)(\.|$)/, /^(database|migrate|verify)(\.|$)/];

/** The one document of a text; throws `config-invalid` for what is no YAML. */
function parse(text: string, file: string, lines: LineCounter): Document {
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const { errors } = document;
  // After the first error a parser guesses; keys that are there twice are all true.
  const told = errors.every(({ code }) => code === 'DUPLICATE_KEY') ? errors : errors.slice(0, 1);
  const found = told.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { line, col, message: wordsOf(error, text, errors) };
  });
  if (found.length > 0)
    throw new ConfigError(
      refusal(
        file,
        found.map(({ line, col, message }) => `${file}:${line}:${col}  ${message}`),
      ),
      found.map(({ line, message }) => ({ line, path: '', message })),
      undefined,
    );
  return document;
}

/** A document as plain data; an alias without its anchor is found only here. */
function plainOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError(refusal(file, [`${file}  ${message}`]), [{ path: '', message }], undefined);
  }
}

/** An error of the parser in plain words. */
function wordsOf(error: YAMLError, text: string, all: readonly YAMLError[]): string {
  const [start] = error.pos;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  if (all.some(({ code }) => code === 'TAB_AS_INDENT') || /^ *\t/.test(text.slice(lineStart)))
    return 'tabs cannot indent YAML; use spaces';
  if (error.code === 'DUPLICATE_KEY') {
    const [key = ''] = /^(?:"[^"\n]*"|'[^'\n]*'|[^:\n]*)/.exec(text.slice(start)) ?? [];
    return `${key.trim().replaceAll(/^["']|["']$/g, '')} is there twice`;
  }
  if (error.code === 'MULTIPLE_DOCS') {
    const { length } = parseAllDocuments(text);
    return `the file holds ${length === 2 ? 'two' : length} documents (---); one is read`;
  }
  return error.message.split('\n', 1)[0] ?? '';
}

function refusal(file: string, lines: readonly string[]): string {
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return `${file} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** Each problem in a sentence, in the file's order, with its line before it. */
function invalid(
  file: string,
  problems: readonly Problem[],
  document: Document | undefined,
  lines: LineCounter,
): ConfigError {
  const placed = problems
    .map(({ path, message, hint }) => ({
      line: document ? lines.linePos(offsetOf(path, document)).line : 0,
      path: path.map(String).join('.'),
      message,
      hint,
    }))
    .toSorted((a, b) => a.line - b.line);
  const hints = [...new Set(placed.flatMap(({ hint }) => hint ?? []))];
  return new ConfigError(
    refusal(
      file,
      placed.map(({ line, path, message }) => {
        const said = path === '' ? message : `${path}: ${message}`;
        return document ? `${file}:${line}  ${said}` : said;
      }),
    ),
    placed.map(({ line, path, message }) => ({ ...(document ? { line } : {}), path, message })),
    hints.length === 0 ? undefined : hints.join('\n  '),
  );
}

/** Where a path's last key stands; for what is missing, the innermost part that is there. */
function offsetOf(path: readonly PropertyKey[], document: Document): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : undefined;
    const item = isSeq(node) ? node.items[Number(step)] : undefined;
    const found = pair?.key ?? item;
    if (!isNode(found)) break;
    offset = found.range?.[0] ?? offset;
    node = pair ? pair.value : item;
  }
  return offset;
}

/** Nobody is told at an address, or with headers, of which a part is not set. */
function addressed(notify: Config['notify'], problems: readonly Problem[]): Config['notify'] {
  return notify.map((one, index) => {
    if (!problems.some(({ path: [part, at] }) => part === 'notify' && at === index)) return one;
    return { ...one, [one.slack === undefined ? 'webhook' : 'slack']: placeholder('notify'), headers: {} };
  });
}

/** Of an address with a variable that is not set, where the command does without: nothing is sent there. */
export const unsetHost = 'unset.invalid';

/** What stands for a variable that is not set and not needed: an address, and long enough for a key. */
function placeholder(name: string): string {
  return `http://${unsetHost}/${name}`;
}

/** Replaces every `${VAR}` in every string; `$${` stands for a literal `${`. */
function substitute(
  value: unknown,
  variables: NonNullable<LoadOptions['variables']>,
  problems: Problem[],
  unsetAs?: (name: string) => string,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string')
    return value.replace(/\$\$\{|\$\{(\w+)\}/g, (match, name?: string) => {
      if (name === undefined) return '${';
      const found = variables[name];
      if (found === undefined) problems.push({ path, ...unset(name, variables) });
      // Statements and headers may hold it, and the plan holds statements.
      return found !== undefined && secretName.test(name) ? keepSecret(found) : (found ?? unsetAs?.(name) ?? match);
    });
  if (Array.isArray(value))
    return value.map((item, index) => substitute(item, variables, problems, unsetAs, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, variables, problems, unsetAs, [...path, key])]),
    );
  return value;
}

/** Of headers and variables, those that are secrets by their names. */
function keepSecretsOf(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values))
    if (isSecretName(name) || secretName.test(name)) keepSecret(value);
}

const secretName = /PASS|SECRET|TOKEN|KEY|HASH|CREDENTIAL/i;

/** A variable that is not set, with the one that may have been meant. */
function unset(name: string, variables: NonNullable<LoadOptions['variables']>): Omit<Problem, 'path'> {
  // A short name stands as a word in many longer ones.
  const names = Object.keys(variables).filter((known) => known.length * 2 > name.length);
  const near = nearest(name, names);
  return {
    message: `the variable ${name} is not set${near ? `; did you mean ${near}?` : ''}`,
    hint: `To set it: export ${name}=…`,
  };
}
