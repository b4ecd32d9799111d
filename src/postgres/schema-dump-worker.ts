import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { pgDump } from '@electric-sql/pglite-tools/pg_dump';

/** What the dump's thread is given at its start. */
export interface DumpStart {
  /** Requests go out here, the server's answers come in: the first is the `DumpRequest`. */
  readonly port: MessagePort;
  /** 1 once a whole answer lies in the port. */
  readonly answered: SharedArrayBuffer;
  readonly arguments: readonly string[];
}

/** What is known only when the dump begins. */
export interface DumpRequest {
  readonly serverVersion: string;
  readonly snapshot: string;
  /** Numbers of the relations that are left out, with all that is theirs. */
  readonly skip: readonly string[];
}

export type DumpAnswer = { readonly sql: string } | { readonly failure: string };

// pg_dump, compiled to WebAssembly, sends and receives through this object. It thinks it has made a connection of its
// own: the start-up is answered here, everything after goes to a session that is logged in already.
const { port, answered, arguments: args } = workerData as DumpStart;
const flag = new Int32Array(answered);
let request: DumpRequest | undefined;
let unsent: Buffer = Buffer.alloc(0);

const sslRequest = 80877103;
const gssRequest = 80877104;

function message(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function startUp(serverVersion: string): Buffer {
  const parameters = {
    server_version: serverVersion,
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    integer_datetimes: 'on',
    DateStyle: 'ISO, MDY',
  };
  return Buffer.concat([
    message('R', Buffer.alloc(4)), // logged in
    ...Object.entries(parameters).map(([name, value]) => message('S', `${name}\0${value}\0`)),
    message('K', Buffer.alloc(8)),
    message('Z', 'I'),
  ]);
}

/** What has come through the port since the flag was lowered. */
function takeMessages(): unknown[] {
  Atomics.wait(flag, 0, 0);
  const messages: unknown[] = [];
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) messages.push(next.message);
  return messages;
}

function ask(question: Buffer): Buffer {
  Atomics.store(flag, 0, 0);
  port.postMessage(question);
  return Buffer.concat(takeMessages() as Uint8Array[]); // of whole chunks: the driver's side hands over nothing else
}

// pg_dump is started before the snapshot is known, and what it is to leave out, with these in their places.
const placeholder = 'to be told';
const skipped = 'restage_is_to_be_told';

/**
 * The statement that names the snapshot names the right one, and the one that asks for the relations to leave out is answered
 * with theirs; any other stays as it is.
 */
function asTold(question: Buffer, { snapshot, skip }: DumpRequest): Buffer {
  if (question[0] !== 0x51) return question;
  const statement = question.toString('latin1', 5);
  if (statement === `SET TRANSACTION SNAPSHOT '${placeholder}'\0`)
    return message('Q', statement.replace(placeholder, snapshot));
  if (!statement.includes(`'^(${skipped})$'`)) return question;
  return message('Q', `SELECT oid FROM pg_catalog.unnest('{${skip.join(',')}}'::pg_catalog.oid[]) oid\0`);
}

const connection = {
  query: async () => ({ rows: [{ search_path: '' }] }),
  exec: async () => {},
  execProtocolRawStream(sent: Uint8Array, { onRawData: receive }: { onRawData(data: Uint8Array): void }): void {
    const bytes = Buffer.concat([unsent, sent]);
    unsent = Buffer.alloc(0);
    if (!request) {
      const code = bytes.readInt32BE(4);
      if (code === sslRequest || code === gssRequest) return receive(Buffer.from('N'));
      [request] = takeMessages() as [DumpRequest]; // the first message, before any answer
      return receive(startUp(request.serverVersion));
    }
    if (bytes.length < 5 || bytes.length < 1 + bytes.readInt32BE(1)) unsent = bytes;
    else if (bytes[0] !== 0x58) receive(ask(asTold(bytes, request))); // X, terminate: the session is not pg_dump's to end
  },
};

let answer: DumpAnswer;
try {
  // The tool wants a PGlite and uses only these three of its methods.
  const file = await pgDump({
    pg: connection as unknown as Parameters<typeof pgDump>[0]['pg'],
    args: [`--snapshot=${placeholder}`, `--exclude-table=${skipped}`, ...args],
  });
  answer = { sql: await file.text() };
} catch (error) {
  answer = { failure: error instanceof Error ? error.message : String(error) };
}
parentPort?.postMessage(answer);
port.close();
