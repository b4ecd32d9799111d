import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A process that a bundle runs in, as in Lambda: loaded once, one invocation after the other. */
export interface FunctionProcess extends AsyncDisposable {
  /** When it was started, in milliseconds of `performance.now()`'s clock. */
  readonly startedAt: number;
  /** What its threads have worked since then, in milliseconds. */
  cpuMs(): number;
  /** Answered: what it said, and the largest memory of the process until then. */
  invoke(event: object): Promise<{ readonly statusCode: number; readonly peakMiB: number; readonly answer: string }>;
}

// Plain JavaScript: stripping types would take its own time, and memory, in the process that is measured.
const runtime = `import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
const { handler } = await import(pathToFileURL(process.argv[2]).href);
for await (const line of createInterface({ input: process.stdin })) {
  const endsAt = Date.now() + 900_000;
  const answer = await handler(JSON.parse(line), {
    awsRequestId: crypto.randomUUID(),
    functionName: 'restage',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  });
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  process.stderr.write(JSON.stringify({ statusCode: answer.statusCode, peakMiB, answer: JSON.stringify(answer).slice(0, 4000) }) + '\\n');
}
`;

/** Starts a bundle's process with nothing in its environment but what is given, in the bundle's folder. */
export async function startFunction(
  folder: string,
  environment: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): Promise<FunctionProcess> {
  const file = join(folder, '..', 'runtime.mjs');
  await writeFile(file, runtime);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeArguments, file, join(folder, 'index.mjs')], {
    cwd: folder,
    env: { ...environment, LAMBDA_TASK_ROOT: folder, TZ: ':UTC', LANG: 'en_US.UTF-8' },
    stdio: ['pipe', 'ignore', 'pipe'], // its log goes to stdout
  });
  const ended = once(child, 'exit');
  const said: string[] = [];
  const answers = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  return {
    startedAt,
    cpuMs: () => threadsCpuMs(child.pid ?? 0),
    invoke: async (event) => {
      child.stdin.write(`${JSON.stringify(event)}\n`);
      for (;;) {
        const { value, done } = await answers.next();
        if (done) throw new Error(`the function's process has ended:\n${said.join('\n')}`);
        if (value.startsWith('{"statusCode"'))
          return JSON.parse(value) as Awaited<ReturnType<FunctionProcess['invoke']>>;
        said.push(value);
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** To the nanosecond, unlike what a process's own line says: a start is few ticks of the clock. */
export function threadsCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const works = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return works.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}
