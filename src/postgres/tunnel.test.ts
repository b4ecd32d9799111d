import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { connects } from '../../test/machine.ts';
import { forwarder, groupIsAlive } from '../../test/tunnel-scene.ts';
import { openTunnel } from './tunnel.ts';
import type { Tunnel } from './session.ts';

// Real processes, begun by a real shell.

interface Begun {
  readonly tunnel: Tunnel;
  /** Every forwarder that has been started, by process id. */
  processes(): Promise<number[]>;
  /** Whether one was asked to end, and not only made to. */
  wasAsked(): Promise<boolean>;
}

type More = { readonly localPort?: number; readonly withinSeconds?: number };

/** A tunnel by one of the test's forwarders; afterwards none of its processes may be there. */
async function withTunnel(how: string, more: More, work: (begun: Begun) => Promise<void>): Promise<void> {
  const file = join(tmpdir(), `restage-tunnel-${randomUUID()}`);
  const command = [process.execPath, forwarder, how, '{localPort}', '{host}', '{port}', file];
  const tunnel = openTunnel({ command, withinSeconds: 10, ...more }, { host: 'db.example', port: 5433 });
  const processes = async () => {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
    expect(lines.every((line) => line.endsWith(' db.example:5433'))).toBe(true);
    return lines.map((line) => Number.parseInt(line, 10));
  };
  const wasAsked = () =>
    readFile(`${file}.asked`).then(
      () => true,
      () => false,
    );
  try {
    await work({ tunnel, processes, wasAsked });
  } finally {
    tunnel[Symbol.dispose]();
    await vi.waitFor(async () => expect((await processes()).filter(groupIsAlive)).toEqual([]), waiting);
    for (const name of [file, `${file}.asked`]) await rm(name, { force: true });
  }
}

const waiting = { timeout: 8000, interval: 100 };

describe.concurrent('a tunnel', () => {
  test('begins with the first who needs it, is one for all, and its placeholders are filled in', () =>
    withTunnel('forward', {}, async ({ tunnel, processes }) => {
      await sleep(100);
      expect(await processes()).toEqual([]);
      const ports = await Promise.all([tunnel.port(), tunnel.port(), tunnel.port()]);
      expect(new Set(ports).size).toBe(1);
      expect(await connects(ports[0] ?? 0)).toBe(true);
      expect(await processes()).toHaveLength(1);
    }));

  test('that is disposed of is asked to end, leaves nothing behind, however often, and is not begun again', () =>
    withTunnel('forward', {}, async ({ tunnel, processes, wasAsked }) => {
      const port = await tunnel.port();
      const [pid = 0] = await processes();
      expect(groupIsAlive(pid)).toBe(true);
      for (const _ of [1, 2]) tunnel[Symbol.dispose]();
      await vi.waitFor(async () => expect([groupIsAlive(pid), await connects(port)]).toEqual([false, false]), waiting);
      expect(await wasAsked()).toBe(true);
      await expect(tunnel.port()).rejects.toMatchObject({ code: 'tunnel-failed' });
    }));

  test('that never listens is told with how long it was given and what it said, and is ended', () =>
    withTunnel('deaf', { withinSeconds: 1 }, async ({ tunnel, processes }) => {
      for (const one of await Promise.allSettled([tunnel.port(), tunnel.port()]))
        expect(one).toMatchObject({
          reason: {
            code: 'tunnel-failed',
            message: expect.stringMatching(
              /^the tunnel to db\.example:5433 by node did not listen on port \d+ of this machine within 1 second: waiting for somebody$/,
            ),
            hint: expect.stringContaining('withinSeconds'),
          },
        });
      const [pid = 0, ...more] = await processes();
      expect(more).toEqual([]);
      await vi.waitFor(() => expect(groupIsAlive(pid)).toBe(false), waiting);
    }));

  test('that ends with words is told with its exit code and the words', () =>
    withTunnel('broken', {}, ({ tunnel }) =>
      expect(tunnel.port()).rejects.toMatchObject({
        code: 'tunnel-failed',
        message: expect.stringMatching(
          /by node ended before it listened on port \d+, with exit code 255: debug1: reading; Permission denied \(publickey\)\.$/,
        ),
        hint: expect.stringContaining('by hand'),
      }),
    ));

  test.each([
    [
      ['no-such-program', '{localPort}'],
      'by no-such-program ended .* exit code 127: .*not found',
      'no-such-program installed',
    ],
    [[forwarder, '{localPort}'], 'by forwarder.ts ended .* exit code 126', 'executable'],
    [['/bin/sh', '-c', 'exit 0'], 'by sh ended .* exit code 0', 'in the foreground'],
  ])('by %j is told by what is wrong with it', async (command, message, hint) => {
    using tunnel = openTunnel({ command, withinSeconds: 5 }, { host: 'db.example', port: 5433 });
    await expect(tunnel.port()).rejects.toMatchObject({
      code: 'tunnel-failed',
      message: expect.stringMatching(message),
      hint: expect.stringContaining(hint),
    });
  });

  test.each(['one that is free', 'one of its own'])(
    'that dies is begun again by the next who needs it, on %s',
    async (which) => {
      const localPort = which === 'one of its own' ? { localPort: await freePort() } : {};
      await withTunnel('forward', localPort, async ({ tunnel, processes }) => {
        await tunnel.port();
        const [first = 0] = await processes();
        process.kill(first, 'SIGKILL');
        await vi.waitFor(() => expect(groupIsAlive(first)).toBe(false), waiting);
        expect(await tunnel.port()).toEqual(localPort.localPort ?? expect.any(Number));
        expect(await processes()).toEqual([first, expect.any(Number)]);
        expect(await connects(await tunnel.port())).toBe(true);
      });
    },
  );

  test('to a port that somebody else has is told as that, and nothing is begun', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port: localPort } = other.address() as { port: number }; // of a TCP server, so not a path
    await withTunnel('forward', { localPort }, async ({ tunnel, processes }) => {
      await expect(tunnel.port()).rejects.toMatchObject({
        code: 'tunnel-failed',
        message: expect.stringContaining(`port ${localPort} of this machine is taken already`),
        hint: expect.stringMatching(/lsof -i :\d+.*leave out via\.localPort/),
      });
      expect(await processes()).toEqual([]);
    });
    other.close();
  });

  test('is not waited for after an interrupt', () =>
    withTunnel('deaf', {}, async ({ tunnel }) => {
      const stop = new AbortController();
      const started = performance.now();
      setTimeout(() => stop.abort(), 50);
      await expect(tunnel.port(stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
      expect(performance.now() - started).toBeLessThan(1000);
    }));
});

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number }; // of a TCP server, so not a path
  listener.close();
  await once(listener, 'close');
  return port;
}
