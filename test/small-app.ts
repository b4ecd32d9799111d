import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Told {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** An application that answers whatever a test wants, over real HTTP. `cut`: the connection ends without an answer. */
export interface SmallApp extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  answer: (asked: Asked, times: number) => Told | 'cut' | Promise<Told | 'cut'>;
  /** Nobody listens until it is up again, at the same address. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function startSmallApp(answer: SmallApp['answer'] = () => ({ body: {} })): Promise<SmallApp> {
  const asked: Asked[] = [];
  let port = 0;
  const server = createServer((request, response) => {
    const respond = async () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: await text(request),
      };
      asked.push(one);
      const told = await app.answer(one, asked.filter(({ path }) => path === one.path).length);
      if (told === 'cut') return request.socket.destroy();
      const { status = 200, headers = {}, body } = told;
      const isText = typeof body === 'string';
      response.writeHead(status, { ...(isText ? {} : { 'Content-Type': 'application/json' }), ...headers });
      response.end(isText ? body : JSON.stringify(body));
    };
    // Whoever asked may be gone before all was sent, and an answer may fail: the test is to see it, not its runner.
    respond().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const app: SmallApp = {
    get url() {
      return `http://127.0.0.1:${port}/api`;
    },
    asked,
    answer,
    up: async () => {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo); // it listens on TCP
    },
    down: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await app.down();
    },
  };
  await app.up();
  return app;
}
