import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from './command-program.ts';
import { runCommand } from './command.ts';
import { keepSecret } from './errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

/** By a shell, which stands here for any program. */
function shell(script: string, options: { readonly signal?: AbortSignal; readonly timeoutSeconds?: number } = {}) {
  const { signal = never, timeoutSeconds = 30 } = options;
  const lines: string[] = [];
  const run = ['sh', '-c', script];
  const command = {
    file: '/bin/sh',
    run,
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', NAME: 'a value' },
    timeoutSeconds,
  };
  return runCommand(command, { signal, onLine: (line) => lines.push(line) }).then((end) => ({ ...end, lines }));
}

/** Whether a process of that number is at work. */
function isAlive(pid: string): boolean {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' }).split('\n');
  return lines.some((line) => new RegExp(`^ *${pid.trim()} +[^Z ]`).test(line));
}

const written = async (name: string): Promise<string> => {
  for (;;) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text;
    await sleep(10);
  }
};

test('a program has its folder, its environment and no other, no input, and its last words are kept', async () => {
  const end = await shell('pwd; env | sort; cat; echo to stderr >&2; exit 3');
  expect(end).toMatchObject({ exitCode: 3, late: false });
  expect(end.output).toEqual(end.lines);
  expect(end.lines.toSorted()).toEqual(
    [folder, 'NAME=a value', 'PATH=/usr/bin:/bin', `PWD=${folder}`, 'to stderr'].toSorted(),
  );
});

test('arguments reach the program as they are', async () => {
  const run = ['printf', '%s|', '$HOME', '* ; echo', "a'b", ''];
  const end = await runCommand(
    { file: '/usr/bin/printf', run, cwd: folder, env: {}, timeoutSeconds: 5 },
    { signal: never, onLine: () => {} },
  );
  expect(end.output).toEqual(["$HOME|* ; echo|a'b||"]);
});

test('a program that a signal ends is told by it', async () => {
  expect(await shell('kill -9 $$')).toMatchObject({ exitCode: 137, signal: 'SIGKILL', late: false });
});

test('of any amount of output the last 200 lines are kept, and of a line without an end its beginning', async () => {
  const before = process.memoryUsage().rss;
  const end = await shell(`head -c 300000000 /dev/zero | tr '\\0' x; echo; seq 100000`);
  expect(end.output).toHaveLength(200);
  expect([end.output[0], end.output.at(-1)]).toEqual(['99801', '100000']);
  expect(end.lines[0]).toMatch(/^x{1000}…$/);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
});

test('colours, secrets and values of rows are not in what is kept', async () => {
  keepSecret('a very secret word');
  const end = await shell(`printf '\\033[31mred\\033[0m\\r\\n'
    echo 'it is a very secret word.'; echo 'postgresql://u:hidden@h/d'
    echo 'DETAIL:  Key (email)=(ann@example.com) already exists.'
    echo 'Failing row contains (1, ann@example.com).'; echo "[parameters: {'a': 'ann@example.com'}]"`);
  expect(end.output).toEqual([
    'red',
    'it is ***.',
    'postgresql://u:***@h/d',
    'DETAIL:  Key (email)=(…) already exists.',
    'Failing row contains (…).',
    '[parameters: …',
  ]);
});

test('what takes too long is ended, with all that it has started, deaf or not', async () => {
  const end = shell(
    'sleep 60 & echo $! >late-1; trap "" TERM; sh -c \'trap "" TERM; echo $$ >late-2; sleep 61; sleep 62\'; sleep 63',
    {
      timeoutSeconds: 1,
    },
  );
  const pids = [await written('late-1'), await written('late-2')];
  expect(await end).toMatchObject({ late: true });
  expect(pids.filter(isAlive)).toEqual([]);
});

test('an interrupt ends the whole group before it is told', async () => {
  const controller = new AbortController();
  const end = shell('sleep 60 & echo $! >interrupted; wait', { signal: controller.signal });
  const pid = await written('interrupted');
  controller.abort(new Error('enough'));
  await expect(end).rejects.toThrow('enough');
  expect(isAlive(pid)).toBe(false);
});

test('what a program leaves in the background ends with it', async () => {
  const clock = performance.now();
  expect(await shell('sleep 60 & echo $! >background; echo done')).toMatchObject({ exitCode: 0, output: ['done'] });
  expect(isAlive(await written('background'))).toBe(false);
  expect(performance.now() - clock).toBeLessThan(5000);
});

test('what has left its group and holds its output does not hold restage', async () => {
  const clock = performance.now();
  const end = await shell('setsid sh -c "echo \\$\\$ >escaped; exec sleep 20" & echo done');
  expect(end).toMatchObject({ exitCode: 0, output: ['done'] });
  expect(performance.now() - clock).toBeLessThan(5000);
  process.kill(Number(await written('escaped')));
});

test('a program that cannot be started is told in the words of the system', async () => {
  await writeFile(join(folder, 'broken'), '#!/no/such/interpreter\n', { mode: 0o755 });
  const start = runCommand(
    { file: join(folder, 'broken'), run: ['broken'], cwd: folder, env: {}, timeoutSeconds: 5 },
    { signal: never, onLine: () => {} },
  );
  await expect(start).rejects.toThrow('ENOENT');
});

test('a program is found where the system would find it, and what is missing is named', async () => {
  await writeFile(join(folder, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(folder, 'text'), '', { mode: 0o644 });
  const find = (program: string, path?: string, cwd = folder) => findProgram({ run: [program], cwd, path });
  expect(await find('tool', `/nowhere:${folder}`)).toBe(join(folder, 'tool'));
  expect(await find('tool', '.')).toBe(join(folder, 'tool'));
  expect(await find('./tool', '')).toBe(join(folder, 'tool'));
  expect(await find('sh')).toMatch(/bin\/sh$/);
  const refusal = { code: 'migrate-failed' };
  await expect(find('text', folder)).rejects.toMatchObject({ ...refusal, message: 'text is not found on the PATH' });
  await expect(find('./text')).rejects.toMatchObject({ ...refusal, message: `${folder}/text may not be run` });
  await expect(find('bin/x')).rejects.toMatchObject({ ...refusal, message: `there is no ${folder}/bin/x` });
  await expect(find('sh', undefined, '/no/where')).rejects.toMatchObject({
    message: 'the folder /no/where does not exist',
  });
  await expect(find('sh', undefined, join(folder, 'text'))).rejects.toMatchObject({
    message: `${folder}/text is no folder`,
  });
});
