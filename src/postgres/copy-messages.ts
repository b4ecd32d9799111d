import { DatabaseError } from 'pg';
import type { RestageError } from '../errors.ts';
import { statementError } from './session-error.ts';
import type { Origin } from './session.ts';

// Message types of the frontend/backend protocol, version 3.
export const copyData = 0x64; // d
export const copyDone = 0x63; // c, both ways
export const commandComplete = 0x43; // C
export const errorResponse = 0x45; // E
export const query = 0x51; // Q
export const copyInResponse = 0x47; // G
export const readyForQuery = 0x5a; // Z

/** One message of the protocol, its text zero-terminated where its type wants that. */
export function message(type: number, body = ''): Buffer {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body));
  bytes[0] = type;
  bytes.writeInt32BE(bytes.length - 1, 1);
  bytes.write(body, 5);
  return bytes;
}

/** `COPY 153` → 153; undefined for the end of another command. */
export function countOf(tag: Buffer): number | undefined {
  const found = /^COPY (\d+)/.exec(tag.toString());
  return found ? Number(found[1]) : undefined;
}

/** What an ErrorResponse says, without the row that it was about. */
export function serverError(body: Buffer, origin: Origin, sql: string): RestageError {
  const error = new DatabaseError('the server gave no message', body.length, 'error');
  for (const field of body.toString().split('\0')) {
    const value = field.slice(1);
    if (field.startsWith('M')) error.message = value;
    if (field.startsWith('C')) error.code = value;
    if (field.startsWith('D')) error.detail = value;
    // Where: table, line and column of a COPY, of more use than a hint here; what follows is the row itself.
    if (field.startsWith('W')) error.hint = /^COPY [^\n]*?, line \d+(?:, column [^:\n]+)?/.exec(value)?.[0];
  }
  return statementError(error, origin, sql);
}
