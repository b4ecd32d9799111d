import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground } from './servers.ts';
import { serverCpuSeconds } from './server-cpu.ts';

/** One run of one command, from its start to its end. */
export interface Measured {
  readonly wallSeconds: number;
  /** Of the command and all that it started. */
  readonly clientCpuSeconds: number;
  readonly sourceCpuSeconds: number;
  readonly targetCpuSeconds: number;
  /** Of the largest of its processes. */
  readonly peakMiB: number;
  readonly stdout: string;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are no failure: 0 where not given. */
  readonly codes?: readonly number[];
}

/** Where a command runs, and whom it keeps busy. */
export interface Place {
  readonly folder: string;
  /** CPU seconds of each server, since its start. */
  serversCpu(): Promise<{ readonly source: number; readonly target: number }>;
}

/** Runs a command between two databases. */
export function measure(ground: Ground, command: Command): Promise<Measured> {
  return measureAt({ folder: ground.folder, serversCpu: () => serversCpu(ground) }, command);
}

/**
 * Runs a command as a whole process and counts what it cost, also to both servers.
 * Throws what it printed, if it fails.
 */
export async function measureAt(place: Place, command: Command): Promise<Measured> {
  const figures = join(place.folder, 'time');
  const before = await place.serversCpu();
  const started = performance.now();
  // By GNU time, as the system tells a process's costs only to the one that waited for it.
  const child = spawn('time', ['-f', '%U %S %M', '-o', figures, command.program, ...command.args], {
    cwd: place.folder,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, to be ended with all that it started
  });
  const end = () => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
  process.once('exit', end);
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => (printed[stream] += text));
  const [code] = await once(child, 'close');
  process.off('exit', end);
  const wallSeconds = (performance.now() - started) / 1000;
  if (!(command.codes ?? [0]).includes(Number(code)))
    throw new Error(
      `${command.program} ended with ${code}:\n${printed.stdout.slice(-4000)}\n${printed.stderr.slice(-4000)}`,
    );
  await sleep(200); // the servers' processes end a little after their clients
  const after = await place.serversCpu();
  // GNU time says on a line before them when the command ended otherwise than well.
  const [user = 0, system = 0, peak = 0] =
    (await readFile(figures, 'utf8')).trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return {
    wallSeconds,
    clientCpuSeconds: user + system,
    sourceCpuSeconds: after.source - before.source,
    targetCpuSeconds: after.target - before.target,
    peakMiB: peak / 1024,
    stdout: printed.stdout,
  };
}

async function serversCpu({ source, target }: Ground): Promise<{ readonly source: number; readonly target: number }> {
  return { source: await serverCpuSeconds(source), target: await serverCpuSeconds(target) };
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** All that a run cost, at the client and at both servers. */
export function cpuOf({ clientCpuSeconds, sourceCpuSeconds, targetCpuSeconds }: Measured): number {
  return clientCpuSeconds + sourceCpuSeconds + targetCpuSeconds;
}
