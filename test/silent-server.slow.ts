import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openSession } from '../src/postgres/session.ts';

test.each(['verify-full', 'disable'] as const)(
  'a server that takes the connection and says nothing is told after ten seconds, TLS %s',
  async (tls) => {
    const listener = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as { port: number }; // of a TCP server, so not a path
    const address = { host: '127.0.0.1', port, database: 'shop', user: 'ann', password: 'any', tls };
    const started = performance.now();
    await expect(openSession(address, { access: 'read-only', label: 'silent' })).rejects.toMatchObject({
      code: 'database-unreachable',
      message: `cannot reach shop at 127.0.0.1:${port} as ann: the connection was taken, and no answer came within 10 seconds`,
      hint: expect.stringContaining('no PostgreSQL'),
    });
    expect(performance.now() - started).toBeLessThan(12_000);
    listener.close();
  },
);
