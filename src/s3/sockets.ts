import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';

const readBytes = 64 * 1024;

/** Where no way leads to a store, as from a VPC without a route, it never answers. */
const connectMs = 10_000;

/** How the error of that begins. */
export const noConnection = 'no connection within';

/**
 * Keep-alive sockets that read into a buffer of their own, again and again. Node would allocate one for each read, and V8
 * collects its whole heap each time that 32 MB of them have come together: a sixth of what a copy costs.
 */
export function openSockets(secure: boolean, most: number): HttpAgent {
  const settings: AgentOptions = { keepAlive: true, maxSockets: most, scheduling: 'lifo' };
  const agent = secure ? new HttpsAgent(settings) : new HttpAgent(settings);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      // The HTTP parser copies what it gives out as a body, before this returns.
      callback: (bytes: number, buffer: Uint8Array) => {
        socket?.emit('data', buffer.subarray(0, bytes));
        return true; // reading goes on
      },
    };
    const socket = connect({ ...options, onread } as typeof options, callback); // net and tls take it, see their connect
    if (socket instanceof Socket) {
      const late = setTimeout(() => socket.destroy(new Error(`${noConnection} ${connectMs / 1000} s`)), connectMs);
      for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(late));
    }
    return socket;
  };
  return agent;
}
