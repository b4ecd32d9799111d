import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { flipped, read, release, share } from './body.ts';
import { currentHttpDate } from './clock.ts';
import type { ContentRange, Reply } from './reply.ts';

export interface Sending {
  /** Flat names and values of the headers that identify the request. */
  readonly ids: readonly string[];
  readonly damage: Damage | undefined;
}

/** What happens to the content on its way: the connection breaks or ends in the middle, or a byte is flipped. */
export type Damage = 'reset' | 'truncate' | 'corrupt';

const singleWriteBytes = 256 * 1024;

/** Writes the reply, and leaves the connection fit for the next request. */
export async function send(
  reply: Reply,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  sending: Sending,
): Promise<void> {
  if (outgoing.destroyed) return;
  const { damage } = sending;
  const content = damage === undefined ? reply.content : asRange(reply.content);
  const sizeBytes = typeof content === 'string' ? content.length : (content?.sizeBytes ?? 0);
  const headers = ['server', 'AmazonS3', 'date', currentHttpDate(), ...sending.ids, ...reply.headers];
  if (reply.status !== 204 && reply.status !== 304) headers.push('content-length', String(sizeBytes));
  if (!incoming.readableEnded && !incoming.complete) leaveBody(incoming, headers);
  outgoing.writeHead(reply.status, headers);
  if (incoming.method === 'HEAD' || content === undefined) outgoing.end();
  else if (typeof content === 'string') outgoing.end(content, 'latin1');
  else {
    // The object may be overwritten while it is being read.
    share(content.body);
    try {
      await sendDamaged(content, outgoing, damage);
    } finally {
      release(content.body);
    }
  }
}

/** The client may still be sending: read it away, or part with a client that was never asked to send. */
function leaveBody(incoming: IncomingMessage, headers: string[]): void {
  if (incoming.headers.expect !== undefined) headers.push('connection', 'close');
  incoming.resume();
}

function asRange(content: Reply['content']): ContentRange | undefined {
  if (typeof content !== 'string') return content;
  const bytes = Buffer.from(content, 'latin1');
  return { body: { kind: 'memory', sizeBytes: bytes.length, bytes }, start: 0, sizeBytes: bytes.length };
}

function sendDamaged(content: ContentRange, outgoing: ServerResponse, damage: Damage | undefined): Promise<void> {
  switch (damage) {
    case undefined:
      return sendContent(content, outgoing);
    case 'reset':
      return sendHalf(content, outgoing, (socket) => socket.resetAndDestroy());
    case 'truncate':
      return sendHalf(content, outgoing, (socket) => socket.destroySoon());
    case 'corrupt': {
      const { body, start, sizeBytes } = content;
      return sendContent({ ...content, body: flipped(body, start + Math.floor(sizeBytes / 2)) }, outgoing);
    }
  }
}

async function sendContent(content: ContentRange, outgoing: ServerResponse): Promise<void> {
  if (content.sizeBytes === 0) {
    outgoing.end();
    return;
  }
  if (content.sizeBytes <= singleWriteBytes) {
    const chunks = [...read(content.body, content.start, content.sizeBytes)];
    const last = chunks.pop();
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end(last);
    return;
  }
  for (const chunk of read(content.body, content.start, content.sizeBytes)) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  outgoing.end();
}

async function drained(outgoing: ServerResponse): Promise<void> {
  const stop = new AbortController();
  try {
    await Promise.race([
      once(outgoing, 'drain', { signal: stop.signal }),
      once(outgoing, 'close', { signal: stop.signal }),
    ]);
  } finally {
    stop.abort();
  }
}

async function sendHalf(content: ContentRange, outgoing: ServerResponse, end: (socket: Socket) => void): Promise<void> {
  const half = Math.floor(content.sizeBytes / 2);
  for (const chunk of read(content.body, content.start, half)) if (!outgoing.write(chunk)) await drained(outgoing);
  await new Promise<void>((resolve) => {
    outgoing.write(Buffer.alloc(0), () => resolve());
    setTimeout(resolve, 20);
  });
  if (outgoing.socket !== null) end(outgoing.socket);
}
