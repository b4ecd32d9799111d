import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a port of this machine that can be taken away, as a network is: restage knows the server by this one only. */
export interface Network extends AsyncDisposable {
  readonly port: number;
  /** Nothing goes through, either way; connections stay, and new ones are taken and not answered. */
  freeze(): void;
  /** All goes on, what was held up first. */
  thaw(): void;
  /** Every connection is reset, and new ones are refused, until `mend`. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** `onSent` is given what the client sends, `onReceived` what it gets, with the number of the connection. */
export async function openNetwork(
  to: number,
  onSent?: (bytes: Buffer) => void,
  onReceived?: (bytes: Buffer, connection: number) => void,
): Promise<Network> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const held: Socket[] = [];
  let frozen = false;
  let connections = 0;
  const flow = (from: Socket, into: Socket) => {
    from.on('data', (bytes) => {
      if (!into.write(bytes)) from.pause();
    });
    into.on('drain', () => {
      if (!frozen) from.resume();
    });
    // Where a peer ends in a freeze, nobody at the other side hears of it.
    from.on('end', () => void into.end());
    from.on('error', () => into.destroy());
    from.on('close', () => into.destroy());
  };
  const join = (client: Socket) => {
    const server = connect(to, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
    const connection = (connections += 1);
    if (onSent) client.on('data', onSent);
    if (onReceived) server.on('data', (bytes) => onReceived(bytes, connection));
    flow(client, server);
    flow(server, client);
  };
  const listen = async (port: number): Promise<Server> => {
    const made = createServer({ pauseOnConnect: true, allowHalfOpen: false }, (client) => {
      client.on('error', () => {});
      if (frozen) held.push(client);
      else {
        join(client);
        client.resume();
      }
    });
    made.listen(port, '127.0.0.1');
    await once(made, 'listening');
    return made;
  };
  const first = await listen(0);
  let server: Server | undefined = first;
  const { port } = first.address() as AddressInfo;
  const all = () => [...pairs].flat();
  const cut = async () => {
    for (const socket of [...all(), ...held.splice(0)]) socket.resetAndDestroy();
    const closing = server;
    server = undefined;
    if (!closing) return;
    closing.close();
    await once(closing, 'close');
  };
  return {
    port,
    freeze: () => {
      frozen = true;
      for (const socket of all()) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const client of held.splice(0)) {
        join(client);
        client.resume();
      }
      for (const socket of all()) socket.resume();
    },
    cut,
    mend: async () => {
      frozen = false;
      server ??= await listen(port);
    },
    [Symbol.asyncDispose]: cut,
  };
}
