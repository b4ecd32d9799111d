import { withoutRowValues } from './row-values.ts';

/**
 * The closed list of what can go wrong, on the way to an end in the order of its hops: profile, account, secret, tunnel,
 * DNS, TCP, TLS, login, database, privilege. With the exit code of the command line:
 * 1 a step failed · 2 usage or config · 3 refused by a guard · 4 differences found · 130 interrupted.
 */
export const exitCodes = {
  usage: 2,
  'config-missing': 2,
  'config-invalid': 2,
  'profile-missing': 2,
  'credentials-failed': 1,
  'aws-unreachable': 1,
  'account-mismatch': 3,
  'secret-missing': 2,
  'secret-denied': 1,
  'secret-invalid': 2,
  'identifier-missing': 2,
  'rds-denied': 1,
  'tunnel-failed': 1,
  'host-unknown': 1,
  'database-unreachable': 1,
  'tls-failed': 1,
  'database-login': 1,
  'database-missing': 2,
  'database-lost': 1,
  'database-unfit': 3,
  'statement-failed': 1,
  'schema-failed': 1,
  'data-differs': 1,
  'table-empty': 3,
  'rule-unfit': 3,
  unmasked: 3,
  'leak-found': 3,
  'rows-collide': 1,
  'rows-orphaned': 1,
  'swap-failed': 1,
  'bucket-missing': 2,
  'bucket-denied': 1,
  'objects-failed': 1,
  'app-unreachable': 1,
  'app-unexpected': 1,
  'migrate-failed': 1,
  'source-ahead': 3,
  'source-readonly': 3,
  'previous-missing': 2,
  'run-missing': 2,
  'report-invalid': 2,
  'deletion-refused': 3,
  'bucket-empty': 3,
  'lambda-missing': 2,
  'lambda-denied': 1,
  'event-invalid': 2,
  'config-differs': 3,
  'function-failed': 1,
  'time-short': 3,
  'time-over': 1,
  'pause-lost': 1,
  'taken-on': 1,
  'target-is-source': 3,
  'host-unexpected': 3,
  protected: 3,
  'source-shrunk': 3,
  'plan-invalid': 2,
  'plan-outdated': 3,
  'ends-swapped': 3,
  'run-in-progress': 3,
  'not-confirmed': 3,
  'demo-unavailable': 2,
  'folder-unwritable': 2,
  'file-exists': 2,
  interrupted: 130,
  internal: 1,
} as const;

export type ErrorCode = keyof typeof exitCodes;

/**
 * The one error of restage: what failed and where in `message`, the server's own words in `cause`, what to do in
 * `hint`. Everything that passes this door is redacted.
 */
export class RestageError extends Error {
  override readonly name = 'RestageError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Of `run-in-progress`: the run that goes on, where it is known. */
  readonly run: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { readonly hint?: string | undefined; readonly run?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(redact(message), more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint === undefined ? undefined : redact(more.hint);
    this.run = more.run;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** A failure as data: what a report keeps of an error. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Any thrown value as data, redacted. An error that is not restage's own is `internal`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RestageError)
    return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  return { code: 'internal', message: redact(error instanceof Error ? error.message : String(error)) };
}

/** Where an error came from, for whoever looks for the fault: each stack of the chain of causes, redacted. */
export function traceOf(error: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  for (let one = error; one !== undefined && one !== null && !seen.has(one);) {
    seen.add(one);
    parts.push(stackOf(one));
    one = one instanceof Error ? one.cause : undefined;
  }
  return redact(parts.join('\ncaused by '));
}

/**
 * Its words and its stack, and no other property: those of drivers and clients hold requests, and values of rows. What a
 * database says of a failed statement may quote such values itself; whoever asked has told its words without them.
 */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  const quotesRows = 'severity' in error;
  const words = quotesRows || error.message === '' ? '' : `: ${error.message}`;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  const inner = error instanceof AggregateError ? error.errors.map((one) => `caused by ${stackOf(one)}`) : [];
  return [`${error.name}${code}${words}`, ...frames, ...inner].join('\n');
}

const secretWords = /key|token|secret|auth|cookie|password|credential/i;

/** Whether the name of a header or variable says that its value is a secret: blanking out that of a plain one would spoil every output. */
export function isSecretName(name: string): boolean {
  return secretWords.test(name);
}

/** Values that no output may show, in each form that they may be met in. They only ever grow: a secret stays one. */
const secrets = new Set<string>();

/** The longer ones first: what begins like another must not leave its end behind. */
let longestFirst: readonly string[] = [];

/**
 * Remembers a password, key or token, so that no message, report or log shows it. Returns it. One of fewer than six
 * characters would blank out ordinary words: it is hidden only where it is told to be a password.
 */
export function keepSecret(value: string): string {
  if (value.length < 6 || secrets.has(value)) return value;
  const encoded = encodeURIComponent(value.toWellFormed());
  const strictly = encoded.replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [
    value,
    encoded,
    strictly,
    strictly.replaceAll('%20', '+'),
    JSON.stringify(value).slice(1, -1),
    value.replaceAll("'", "''"), // as a literal of SQL
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('base64url'),
  ];
  for (const form of forms) secrets.add(form);
  longestFirst = [...secrets].toSorted((a, b) => b.length - a.length);
  return value;
}

/** The text without any remembered secret, without what stands where passwords do (in URLs, after `password=`), and without values of rows. */
export function redact(text: string): string {
  let clean = withoutRowValues(text)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/]+@/gi, '$1***@')
    .replace(
      /\b(password\s*=\s*|\w+password\s*=\s*(?=')|password\s+(?='))(?!'…')('(?:[^'\\]|\\.|'')*'|[^\s'"&;,)]+)/gi,
      '$1***',
    );
  for (const secret of longestFirst) clean = clean.replaceAll(secret, '***');
  return clean;
}
