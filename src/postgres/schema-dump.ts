import { MessageChannel, Worker } from 'node:worker_threads';
import { RestageError } from '../errors.ts';
import { connectionLost } from './session-error.ts';
import type { DumpAnswer, DumpRequest, DumpStart } from './schema-dump-worker.ts';
import { interrupted, type ReadSession } from './session.ts';

/** The newest server that the pg_dump of @electric-sql/pglite-tools knows. */
const newestServer = 18;

export interface DumpOptions {
  /** Numbers of tables and sequences that are left out, and with each its indexes, triggers, policies, comments. */
  readonly skip?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** pg_dump, loaded and waiting: good for one dump. */
export interface SchemaDumper extends AsyncDisposable {
  /**
   * The schema of a database as pg_dump prints it, without owners and grants, from the given snapshot. `session` must be
   * outside of a transaction and is of no use afterwards. Throws `schema-failed` with pg_dump's words.
   */
  dump(session: ReadSession, snapshot: string, options?: DumpOptions): Promise<string>;
}

/**
 * Loads pg_dump, which takes a third of a second: beside something else. No program is needed: PostgreSQL's own pg_dump,
 * compiled to WebAssembly, runs in a thread and talks through a session of ours.
 */
export function startDumper(): SchemaDumper {
  const { port1, port2 } = new MessageChannel();
  const answered = new SharedArrayBuffer(4);
  const flag = new Int32Array(answered);
  const start: DumpStart = {
    port: port2,
    answered,
    arguments: [
      '--schema-only',
      '--lock-wait-timeout=30s', // it turns off the session's own
      '--no-owner',
      '--no-privileges',
      '--no-subscriptions',
      '--no-tablespaces',
      '--no-security-labels',
    ],
  };
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const worker = new Worker(new URL(`./schema-dump-worker${extension}`, import.meta.url), {
    workerData: start,
    transferList: [port2],
  });
  // A run that ends before its dump must not be kept alive by it; the dump itself holds on to its session.
  worker.unref();
  worker.on('error', () => {}); // told to whoever dumps
  const hand = (...messages: readonly unknown[]) => {
    for (const message of messages) port1.postMessage(message);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  const end = async () => {
    port1.close();
    await worker.terminate();
  };
  return {
    [Symbol.asyncDispose]: end,
    dump: async (session, snapshot, { skip = [], signal } = {}) => {
      const { origin } = session;
      const where = `${origin.database} at ${origin.host}:${origin.port}`;
      if (Number.parseInt(origin.version, 10) > newestServer)
        throw new RestageError(
          'schema-failed',
          `${where} is PostgreSQL ${origin.version}; schemas can be read up to version ${newestServer}`,
        );
      const stop = () => void worker.terminate();
      const toWorker = answerCollector((answer) => hand(...answer));
      const wire = session.wire.take({
        onChunk: (chunk, done) => {
          toWorker(Buffer.from(chunk));
          done();
        },
        onClose: stop,
      });
      signal?.addEventListener('abort', stop, { once: true });
      try {
        port1.on('message', (bytes: Uint8Array) => wire.write(bytes));
        const answer = await new Promise<DumpAnswer>((resolve, reject) => {
          worker.on('message', resolve);
          worker.on('error', reject);
          worker.on('exit', () => reject(connectionLost(origin)));
          if (worker.threadId === -1) reject(connectionLost(origin)); // ended already
          const request: DumpRequest = { serverVersion: origin.version, snapshot, skip };
          hand(request);
        });
        if ('failure' in answer)
          throw new RestageError(
            'schema-failed',
            `the schema of ${where} could not be read: ${answer.failure.trim()}`,
            {
              hint: /due to (lock|statement) timeout/.test(answer.failure)
                ? 'Another session holds a lock on one of these tables that excludes even readers, a migration perhaps. Let it end, or end it (pg_blocking_pids and pg_stat_activity name it), and run again.'
                : `The user ${origin.user} must be able to read every table: the error names the first that it cannot.`,
            },
          );
        return answer.sql;
      } catch (error) {
        throw signal?.aborted ? interrupted(signal) : error;
      } finally {
        signal?.removeEventListener('abort', stop);
        wire.release();
        await end();
      }
    },
  };
}

/** Gathers what a server sends until it is ready for the next query, and hands that over whole. */
function answerCollector(whole: (answer: readonly Buffer[]) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let header: Buffer = Buffer.alloc(0);
  let left = 0;
  let ready = false;
  return (chunk) => {
    chunks.push(chunk);
    let at = 0;
    while (at < chunk.length) {
      const body = Math.min(left, chunk.length - at);
      left -= body;
      at += body;
      if (at === chunk.length) break;
      const head = chunk.subarray(at, at + 5 - header.length);
      header = header.length === 0 ? head : Buffer.concat([header, head]);
      at += head.length;
      if (header.length < 5) break;
      left = header.readInt32BE(1) - 4;
      ready = header[0] === 0x5a; // Z: ready for query
      header = Buffer.alloc(0);
    }
    if (!ready || left > 0 || header.length > 0) return;
    const answer = chunks;
    chunks = [];
    ready = false;
    whole(answer);
  };
}
