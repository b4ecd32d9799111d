import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import { type Database, openDatabase } from './app-database.ts';
import { checkHealth } from './app-health.ts';
import { migrate } from './app-migrate.ts';

/** What one deployment of the sample application is. */
export interface AppSettings {
  readonly databaseUrl: string;
  readonly environment: string;
  readonly version: string;
  readonly gitSha: string;
  /** The newest revision that this deployment's code carries. */
  readonly head: string;
  /** Without a key, nobody may migrate. */
  readonly apiKey?: string;
}

export interface App extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/api/v1` */
  readonly url: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
interface Context {
  readonly settings: AppSettings;
  readonly database: Database;
}
type Handler = (context: Context, request: IncomingMessage, query: URLSearchParams) => Answer | Promise<Answer>;

const basePath = '/api/v1';

const routes: Readonly<Record<string, Handler>> = {
  'GET /health/live': () => ok({ status: 'ok' }),
  'GET /health/version': ({ settings }) => ok({ ...identity(settings), deployed_at: 'unknown' }),
  'GET /health/deep': async ({ settings, database }) =>
    ok({ ...(await checkHealth(database, settings.head)), ...identity(settings) }),
  'POST /health/migrate': async ({ settings, database }, request) =>
    settings.apiKey !== undefined && request.headers['x-api-key'] === settings.apiKey
      ? ok(await migrate(database, settings.head))
      : { status: 401, body: { detail: 'Invalid or missing API key' } },
  'GET /books': async ({ database }, _request, query) =>
    ok(await listBooks(database, Number(query.get('limit') ?? 20))),
};

/** Starts the application on a free port of 127.0.0.1, in this process. */
export async function startApp(settings: AppSettings): Promise<App> {
  const database = openDatabase(settings.databaseUrl);
  const server = createServer((request, response) => void serve({ settings, database }, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}${basePath}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, database[Symbol.asyncDispose]()]);
    },
  };
}

async function serve(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const url = new URL(request.url ?? '/', 'http://localhost');
  const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : '';
  const handler = routes[`${request.method ?? ''} ${path}`];
  const answer = handler
    ? await answerWith(handler, context, request, url.searchParams)
    : { status: 404, body: { detail: 'Not Found' } };
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer.body));
}

async function answerWith(
  handler: Handler,
  context: Context,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<Answer> {
  try {
    return await handler(context, request, query);
  } catch (error) {
    return { status: 500, body: { detail: error instanceof Error ? error.message : String(error) } };
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function identity({ version, environment, gitSha }: AppSettings): Readonly<Record<string, string>> {
  return { version, environment, git_sha: gitSha };
}

async function listBooks(database: Database, limit: number): Promise<unknown> {
  const { rows: items } = await database.query(
    `
      SELECT books.id, books.title, authors.name AS author, books.status
      FROM public.books LEFT JOIN public.authors ON authors.id = books.author_id
      ORDER BY books.id
      LIMIT $1
    `,
    [Number.isInteger(limit) && limit > 0 ? Math.min(limit, 100) : 20],
  );
  const { rows } = await database.query<{ total: number }>(`SELECT count(*)::integer AS total FROM public.books`);
  return { items, total: rows[0]?.total ?? 0 };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
