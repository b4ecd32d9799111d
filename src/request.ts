import { redirection, type Method } from './app/client.ts';
import type { Config } from './config.ts';
import { appOf } from './connect.ts';
import { isSecretName, redact, RestageError } from './errors.ts';
import { refuseProduction } from './plan.ts';

export interface ApiRequest {
  /** Whose application is asked. Default: the target's. */
  readonly end?: 'source' | 'target';
  /** In any case; the source takes GET and HEAD only. */
  readonly method: string;
  /** Behind the end's app.url. */
  readonly path: string;
  /** JSON, sent as it is. */
  readonly data?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the application answered, as it came. */
export interface ApiAnswer {
  /** What was asked: the method and the whole address. */
  readonly request: string;
  readonly status: number;
  /** Those whose names speak of a key, a token or the like without their values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Where it points to; that is not followed, for the headers would go along. */
  readonly redirection?: string;
}

const methods: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** How long an answer may take, and be. */
const timeoutSeconds = 120;
const maxBytes = 16 * 1024 * 1024;

/**
 * One request to an end's application, with its configured URL and headers. No database is connected to, and no AWS. Whatever HTTP
 * status the answer has, it is returned. Throws before anything is sent `source-readonly`, `usage`, `ends-swapped`,
 * `target-is-source`, and `config-invalid` where the end has no application; then `app-unreachable`, `app-unexpected` for
 * an answer that is too long, `interrupted`.
 */
export async function request(config: Config, wanted: ApiRequest): Promise<ApiAnswer> {
  const { end = 'target', path, data, signal } = wanted;
  const app = appOf(config[end], config);
  if (!app)
    throw new RestageError('config-invalid', `the ${end} has no application: ${end}.app is not in the config`, {
      hint: `Name it: ${end}: { app: { url: https://… } }`,
    });
  const method = methodOf(wanted.method);
  requireBehind(app.url, path);
  const isRead = method === 'GET' || method === 'HEAD';
  // Of the source the client itself refuses whatever is no reading.
  if (end === 'target' && !isRead) refuseProductions(config);
  if (isRead && data !== undefined) throw new RestageError('usage', `${method} sends no data`);
  if (data !== undefined) requireJson(data);
  const answer = await app.exchange({ method, path, text: data, timeoutSeconds, maxBytes, signal });
  const to = redirection(answer);
  return {
    request: redact(`${method} ${app.url}${path}`),
    status: answer.status,
    headers: Object.fromEntries(
      [...answer.headers].map(([name, value]) => [name, isSecretName(name) ? '***' : redact(value)]),
    ),
    text: answer.text,
    ...(to === undefined ? {} : { redirection: to }),
  };
}

function methodOf(word: string): Method {
  const found = methods.find((method) => method === word.toUpperCase());
  if (found) return found;
  throw new RestageError('usage', `${word} is no method that is sent`, { hint: `It is one of ${methods.join(', ')}.` });
}

/** The headers hold keys, which must reach nobody but whom the config names. */
function requireBehind(base: string, path: string): void {
  const refuse = (why: string) => {
    throw new RestageError('usage', `the path ${JSON.stringify(path)} ${why}; nothing was sent`, {
      hint: `It is what stands behind ${base}, e.g. "/books?limit=5".`,
    });
  };
  if (!path.startsWith('/')) refuse('does not begin with /');
  if (path.startsWith('//') || path.includes('\\')) refuse('is the address of another host for some who read it');
  if (/[\s\p{Cc}]/u.test(path)) refuse('has a blank or a control character in it, which is written %20 or the like');
  const [from, to] = [new URL(base), new URL(base + path)];
  const inside = `${from.pathname.replace(/\/+$/, '')}/`;
  if (from.origin !== to.origin || !to.pathname.startsWith(inside) || climbs(to.pathname))
    refuse(`leads out of ${base}`);
}

/** A step upwards that only some servers see: encoded once or twice, or with parameters. */
function climbs(path: string): boolean {
  let plain = path;
  for (let times = 0; times < 3; times++) plain = plain.replaceAll(/%(2e|2f|5c|25|3b)/gi, decodeURIComponent);
  return plain.split(/[/\\]/).some((part) => part.split(';')[0] === '..');
}

/** Nothing is written to what is called production, or what is the source's too. */
function refuseProductions({ source, target }: Config): void {
  refuseProduction(target.name, 'target.name');
  refuseProduction(target.app?.environment, 'target.app.environment');
  const plain = (url = '') => (url === '' ? url : new URL(url).href.replace(/\/+$/, ''));
  if (plain(source.app?.url) === plain(target.app?.url))
    throw new RestageError('target-is-source', `${target.app?.url ?? ''} is the application of both ends`, {
      hint: 'target.app.url must lead to the target. Nothing was sent.',
    });
}

function requireJson(data: string): void {
  try {
    JSON.parse(data);
  } catch {
    throw new RestageError('usage', 'the data is no JSON; nothing was sent', {
      hint: `As a shell takes it: --data '{"name": "value"}'`,
    });
  }
}
