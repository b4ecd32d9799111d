import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A way to a PostgreSQL server that sees when it answers with a row. */
export interface FirstRow extends AsyncDisposable {
  readonly port: number;
  /** From now on to the first row that the server sends, in milliseconds of `performance.now()`'s clock. */
  next(): Promise<number>;
}

/** Forwards to a server of this machine that speaks without TLS. */
export async function watchFirstRow(port: number): Promise<FirstRow> {
  let seen: ((at: number) => void) | undefined;
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
    client.setNoDelay(true);
    const sawRow = rowWatcher(() => {
      seen?.(performance.now());
      seen = undefined;
    });
    upstream.on('data', sawRow);
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    next: () => new Promise((resolve) => (seen = resolve)),
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

/** Calls back at each message of type D, by the messages' lengths: 0x44 is in every second password hash too. */
function rowWatcher(onRow: () => void): (chunk: Buffer) => void {
  let unread: Buffer = Buffer.alloc(0);
  let skip = 0;
  let begun = false;
  return (chunk) => {
    const refusesTls = !begun && chunk.length === 1; // N: the one answer that is no message
    begun = true;
    if (refusesTls) return;
    let at = Math.min(skip, chunk.length);
    skip -= at;
    if (at === chunk.length) return;
    let bytes = unread.length > 0 ? Buffer.concat([unread, chunk.subarray(at)]) : chunk.subarray(at);
    at = 0;
    while (bytes.length - at >= 5) {
      if (bytes[at] === 0x44) onRow();
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (end > bytes.length) {
        skip = end - bytes.length;
        unread = Buffer.alloc(0);
        return;
      }
      at = end;
    }
    bytes = bytes.subarray(at);
    unread = Buffer.from(bytes);
  };
}
