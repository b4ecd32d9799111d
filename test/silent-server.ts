import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A port that takes every connection and never says a word, as behind a firewall that lets only the handshake through. */
export interface SilentServer extends AsyncDisposable {
  readonly port: number;
  /** The next connection. */
  connected(): Promise<unknown>;
}

export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
    server.emit('seen');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connected: () => once(server, 'seen'),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
