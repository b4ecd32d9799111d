import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { read, release, share } from './body.ts';
import type { ContentRange, Reply } from './reply.ts';

export interface Sending {
  /** Flat names and values of the headers that identify the request. */
  readonly ids: readonly string[];
  /** Breaks the connection in the middle of the content. */
  readonly cut: boolean;
}

const singleWriteBytes = 256 * 1024;

/** Writes the reply, and leaves the connection fit for the next request. */
export async function send(
  reply: Reply,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  sending: Sending,
): Promise<void> {
  if (outgoing.destroyed) return;
  const { content } = reply;
  const sizeBytes = typeof content === 'string' ? content.length : (content?.sizeBytes ?? 0);
  const headers = ['server', 'AmazonS3', ...sending.ids, ...reply.headers];
  if (reply.status !== 204 && reply.status !== 304) headers.push('content-length', String(sizeBytes));
  if (!incoming.readableEnded && !incoming.complete) leaveBody(incoming, headers);
  outgoing.writeHead(reply.status, headers);
  if (incoming.method === 'HEAD' || content === undefined) outgoing.end();
  else if (typeof content === 'string') outgoing.end(content, 'latin1');
  else {
    // The object may be overwritten while it is being read.
    share(content.body);
    try {
      await (sending.cut ? sendHalf(content, outgoing) : sendContent(content, outgoing));
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

async function sendHalf(content: ContentRange, outgoing: ServerResponse): Promise<void> {
  const half = Math.floor(content.sizeBytes / 2);
  for (const chunk of read(content.body, content.start, half)) if (!outgoing.write(chunk)) await drained(outgoing);
  await new Promise<void>((resolve) => {
    outgoing.write(Buffer.alloc(0), () => resolve());
    setTimeout(resolve, 20);
  });
  outgoing.socket?.resetAndDestroy();
}
