import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { schema } from './config-schema.ts';
import { RestageError } from './errors.ts';
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

/** The JSON Schema of restage.yaml, for editors. */
export function configSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { $schema, title: 'restage.yaml', ...rest };
}

export interface LoadOptions {
  /** The file's name, for messages. */
  readonly file?: string;
  /** What `${VAR}` and `passwordEnv` are read from; the library itself never reads the environment. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * YAML text, or the object that it would give, as a Config.
 * Throws `config-invalid` with every problem at once: line, path, what was expected, and the near name of a wrong key.
 */
export function loadConfig(settings: string | object, options: LoadOptions = {}): Config {
  const file = options.file ?? 'restage.yaml';
  const variables = options.variables ?? {};
  const lines = new LineCounter();
  const document =
    typeof settings === 'string' ? parseDocument(settings, { lineCounter: lines, prettyErrors: false }) : undefined;
  if (document && document.errors.length > 0) {
    const found = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return `${file}:${line}:${col}  ${error.message.split('\n', 1)[0]}`;
    });
    throw invalid(file, found);
  }
  const problems: Problem[] = [];
  const raw: unknown = document ? document.toJS() : settings;
  const parsed = schema.safeParse(substitute(raw, variables, problems));
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(problemsOf));
  const passwords: Record<string, string> = {};
  if (parsed.success)
    for (const side of ['source', 'target'] as const) {
      const name = parsed.data[side].database?.passwordEnv;
      const value = name === undefined ? undefined : variables[name];
      if (name !== undefined && value === undefined)
        problems.push({ path: [side, 'database', 'passwordEnv'], message: `the variable ${name} is not set` });
      else if (name !== undefined && value !== undefined) passwords[name] = value;
    }
  if (!parsed.success || problems.length > 0) throw invalid(file, describe(problems, file, document, lines));
  return { ...parsed.data, passwords };
}

function invalid(file: string, lines: readonly string[]): RestageError {
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new RestageError('config-invalid', `${file} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** Each problem in a sentence, in the file's order, with its line before it. */
function describe(
  problems: readonly Problem[],
  file: string,
  document: Document | undefined,
  lines: LineCounter,
): string[] {
  return problems
    .map((problem) => ({ problem, line: document ? lines.linePos(offsetOf(problem.path, document)).line : 0 }))
    .toSorted((a, b) => a.line - b.line)
    .map(({ problem, line }) => {
      const said = `${problem.path.map(String).join('.') || 'the file'}: ${problem.message}`;
      return document ? `${file}:${line}  ${said}` : said;
    });
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

/** Replaces every `${VAR}` in every string; `$${` stands for a literal `${`. */
function substitute(
  value: unknown,
  variables: NonNullable<LoadOptions['variables']>,
  problems: Problem[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string')
    return value.replace(/\$\$\{|\$\{(\w+)\}/g, (match, name?: string) => {
      if (name === undefined) return '${';
      const found = variables[name];
      if (found === undefined) problems.push({ path, message: `the variable ${name} is not set` });
      return found ?? match;
    });
  if (Array.isArray(value)) return value.map((item, index) => substitute(item, variables, problems, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, variables, problems, [...path, key])]),
    );
  return value;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return {
        path: [...issue.path, key],
        message: `unknown key${near ? `; did you mean ${near}?` : `; known here: ${known.join(', ')}`}`,
      };
    });
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message))
    return [{ path: issue.path, message: `is missing; ${issue.expected} expected` }];
  return [{ path: issue.path, message: issue.message.replace(/^Invalid input: /, '') }];
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node; additionalProperties?: Node };
  let node = configSchema() as Node | undefined; // the JSON Schema of objects, arrays and records has this shape
  for (const step of path)
    node = typeof step === 'number' ? node?.items : (node?.properties?.[String(step)] ?? node?.additionalProperties);
  return Object.keys(node?.properties ?? {});
}
