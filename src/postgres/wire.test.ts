import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReusingSocket, takeStream } from './wire.ts';

// A server that answers every byte with as many bytes of it as the byte says, in thousands.
let server: Server;
beforeAll(async () => {
  server = createServer((peer) => {
    peer.on('data', (chunk) => {
      for (const byte of chunk)
        if (byte === 0) peer.destroy();
        else peer.write(Buffer.alloc(byte * 1000, byte));
    });
    peer.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

// Without TLS, and as it is under TLS, where the bytes come in Node's own buffers.
const kinds = [
  ['a socket that uses its buffers again', () => new ReusingSocket()],
  ['any other stream', () => new Socket()],
] as const;

async function connect(make: () => Socket): Promise<{ socket: Socket; driver: Buffer[] }> {
  const socket = make();
  const driver: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => driver.push(chunk));
  socket.on('error', () => {});
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return { socket, driver };
}

const lengthOf = (chunks: readonly Buffer[]) => chunks.reduce((sum, { length }) => sum + length, 0);

test.each(kinds)(
  '%s gives the driver its bytes before and after, and whoever took it those in between',
  async (_kind, make) => {
    const { socket, driver } = await connect(make);
    socket.write(Buffer.from([7]));
    await expect.poll(() => lengthOf(driver)).toBe(7000);
    const taken: Buffer[] = [];
    const wire = takeStream(socket, {
      onChunk: (chunk, done) => {
        taken.push(Buffer.from(chunk));
        done();
      },
      onClose: () => {},
    });
    wire.write(Buffer.from([200, 100]));
    await expect.poll(() => lengthOf(taken)).toBe(300_000);
    expect(Buffer.concat(taken)).toEqual(Buffer.concat([Buffer.alloc(200_000, 200), Buffer.alloc(100_000, 100)]));
    wire.release();
    socket.write(Buffer.from([3]));
    await expect.poll(() => lengthOf(driver)).toBe(10_000);
    expect(Buffer.concat(driver)).toEqual(Buffer.concat([Buffer.alloc(7000, 7), Buffer.alloc(3000, 3)]));
    socket.destroy();
  },
);

test.each(kinds)('%s lets the server wait while it does not flow', async (_kind, make) => {
  const { socket } = await connect(make);
  let length = 0;
  const wire = takeStream(socket, {
    onChunk: (chunk, done) => {
      length += chunk.length;
      wire.flow(false);
      done();
    },
    onClose: () => {},
  });
  wire.write(Buffer.alloc(255, 255));
  await expect.poll(() => length).toBeGreaterThan(0);
  const stopped = length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(length).toBe(stopped);
  wire.flow(true);
  await expect.poll(() => length).toBeGreaterThan(stopped);
  wire.destroy();
});

test.each(kinds)('%s tells whoever took it that the connection has ended', async (_kind, make) => {
  const { socket } = await connect(make);
  const ended = new Promise<void>((resolve) => {
    takeStream(socket, { onChunk: (_chunk, done) => done(), onClose: () => resolve() });
  });
  socket.write(Buffer.from([0]));
  await ended;
});

test('a buffer that is still held is not written over', async () => {
  const { socket } = await connect(() => new ReusingSocket());
  const held: { readonly chunk: Buffer; readonly copy: Buffer }[] = [];
  const wire = takeStream(socket, {
    onChunk: (chunk) => void held.push({ chunk, copy: Buffer.from(chunk) }),
    onClose: () => {},
  });
  for (let byte = 1; byte <= 200; byte++) wire.write(Buffer.from([byte]));
  await expect.poll(() => lengthOf(held.map(({ copy }) => copy))).toBe((1000 * 200 * 201) / 2);
  for (const { chunk, copy } of held) expect(chunk.equals(copy)).toBe(true);
  wire.destroy();
});
