import { DatabaseError } from 'pg';
import { connectionLost, statementError } from './session-error.ts';
import type { ReadSession } from './session.ts';
import type { Receiver } from './wire.ts';

// Message types of the frontend/backend protocol, version 3.
const functionCall = 0x46; // F
const errorResponse = 0x45; // E
const readyForQuery = 0x5a; // Z

/** `set_config(text, text, boolean)`: the number of a built-in function never changes. */
const setConfig = 2078;

/**
 * Gives an open session settings that no log may show. A statement's text and what is bound to it both reach a server's
 * log; the arguments of a FunctionCall message do not. The session must be idle.
 * Throws `statement-failed`, `database-lost`.
 */
export async function handSettings(session: ReadSession, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await call(session, setConfig, [name, value, 'false']);
}

async function call(session: ReadSession, number: number, parameters: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let pending: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  const receiver: Receiver = {
    onClose: (cause) => reject(connectionLost(session.origin, cause)),
    onChunk: (chunk, done) => {
      pending = Buffer.concat([pending, chunk]);
      done();
      while (pending.length >= 5) {
        const end = 1 + pending.readInt32BE(1);
        if (pending.length < end) return;
        const type = pending[0];
        if (type === errorResponse) failure = refusal(pending.subarray(5, end), session);
        pending = pending.subarray(end);
        if (type !== readyForQuery) continue;
        if (failure) reject(failure);
        else resolve();
      }
    },
  };
  const wire = session.wire.take(receiver);
  wire.write(functionCallMessage(number, parameters));
  try {
    await promise;
  } finally {
    if (session.wire.lost === undefined) wire.release();
  }
}

/** All arguments as text, the result as text. */
function functionCallMessage(number: number, parameters: readonly string[]): Buffer {
  const values = parameters.map((parameter) => Buffer.from(parameter));
  const bytes = Buffer.alloc(13 + values.reduce((sum, value) => sum + 4 + value.length, 0) + 2);
  let at = bytes.writeUInt8(functionCall);
  at = bytes.writeInt32BE(bytes.length - 1, at);
  at = bytes.writeInt32BE(number, at);
  at = bytes.writeInt16BE(0, at);
  at = bytes.writeInt16BE(values.length, at);
  for (const value of values) {
    at = bytes.writeInt32BE(value.length, at);
    at += value.copy(bytes, at);
  }
  bytes.writeInt16BE(0, at);
  return bytes;
}

function refusal(body: Buffer, { origin }: ReadSession): Error {
  const error = new DatabaseError('the server gave no message', body.length, 'error');
  for (const field of body.toString().split('\0')) {
    if (field.startsWith('M')) error.message = field.slice(1);
    if (field.startsWith('C')) error.code = field.slice(1);
  }
  return statementError(error, origin, 'set_config');
}
