import { DatabaseError } from 'pg';
import type { Wire } from './wire.ts';

// Settings that no log may show. A server that logs everything writes the text of each statement and what is bound to it; of
// a call by the protocol's FunctionCall it writes the function's name only.

/** The number of set_config(text, text, boolean) in every catalog since PostgreSQL 7.3. */
const setConfig = 2078;

/**
 * Gives an idle session settings, for the rest of it. Throws a DatabaseError where the server refuses one, without its words,
 * which may quote what it was given; else what ended the connection.
 */
export async function setByCall(take: Wire['take'], settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await call(take, setConfig, [name, value, 'false']);
}

async function call(take: Wire['take'], oid: number, texts: readonly string[]): Promise<void> {
  const answered = Promise.withResolvers<void>();
  let received: Buffer = Buffer.alloc(0);
  let refusal: DatabaseError | undefined;
  const wire = take({
    onChunk: (chunk, done) => {
      received = Buffer.concat([received, chunk]);
      done();
      // Until the server is ready for a query: the answer, or an error, and notices perhaps.
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const end = 1 + received.readInt32BE(1);
        const kind = String.fromCharCode(received[0] ?? 0);
        if (kind === 'E') refusal = refusalOf(received.subarray(5, end));
        if (kind === 'Z') answered.resolve();
        received = received.subarray(end);
      }
    },
    onClose: (cause) => answered.reject(cause ?? new Error('the connection ended')),
  });
  try {
    wire.write(functionCall(oid, texts));
    await answered.promise;
  } finally {
    wire.release();
  }
  if (refusal) throw refusal;
}

/** Of an ErrorResponse the SQLSTATE. */
function refusalOf(body: Buffer): DatabaseError {
  const error = new DatabaseError('the server refused the call of set_config', body.length, 'error');
  error.code = body
    .toString()
    .split('\0')
    .find((field) => field.startsWith('C'))
    ?.slice(1);
  return error;
}

/** The message FunctionCall: arguments and answer as text. */
function functionCall(oid: number, texts: readonly string[]): Buffer {
  const parts = [int32(oid), int16(0), int16(texts.length)];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    parts.push(int32(bytes.length), bytes);
  }
  parts.push(int16(0));
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from('F'), int32(4 + body.length), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
