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
  'swap-failed': 1,
  'bucket-missing': 2,
  'bucket-denied': 1,
  'objects-failed': 1,
  'app-unreachable': 1,
  'app-unexpected': 1,
  'migrate-failed': 1,
  'deletion-refused': 3,
  'bucket-empty': 3,
  'lambda-missing': 2,
  'lambda-denied': 1,
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

  constructor(
    code: ErrorCode,
    message: string,
    more: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(redact(message), more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint === undefined ? undefined : redact(more.hint);
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

/** Values that no output may show. They only ever grow: a secret stays one. */
const secrets = new Set<string>();

/** Remembers a password, key or token, so that no message, report or log shows it. Returns it. */
export function keepSecret(value: string): string {
  // Shorter ones would blank out ordinary words, and are no secrets worth the name.
  if (value.length >= 6) secrets.add(value).add(encodeURIComponent(value));
  return value;
}

/** The text without any remembered secret and without the password of any URL. */
export function redact(text: string): string {
  let clean = text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/]+@/gi, '$1***@');
  // The longer ones first: what begins like another must not leave its end behind.
  for (const secret of [...secrets].toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '***');
  return clean;
}
