import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LocalAwsSettings } from './settings.ts';

/** Where the server lives: it is told what to do by messages, and answers by messages. */
export interface Host {
  readonly post: (message: object) => void;
  /** `end` takes the reason. */
  readonly listen: (onMessage: (message: unknown) => void, end: (reason: Error) => void) => void;
  readonly stop: () => Promise<void>;
}

const ended = (): Error => new Error('the local AWS has ended');

/** A thread, which ends with the process. */
export function startThread(file: URL, settings: LocalAwsSettings): Host {
  const worker = new Worker(file, { workerData: settings });
  return {
    post: (message) => worker.postMessage(message),
    listen: (onMessage, end) => {
      worker.on('message', onMessage);
      worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
      worker.on('exit', () => end(ended()));
    },
    stop: async () => void (await worker.terminate()),
  };
}

/** A process, which ends when this one does: for measurements, as threads share memory and its limits. */
export function startProcess(file: URL, settings: LocalAwsSettings): Host {
  // Bodies are bytes, which JSON would not take.
  const child = fork(file, { serialization: 'advanced', execArgv: [] });
  child.send(settings);
  return {
    post: (message) => void child.send(message),
    listen: (onMessage, end) => {
      child.on('message', onMessage);
      child.on('error', end);
      child.on('exit', () => end(ended()));
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}
