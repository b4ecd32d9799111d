import { readdir, readFile } from 'node:fs/promises';

// What /proc counts in: USER_HZ, which is 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

/** The ids of the processes that this one has started and that still run. From Linux's /proc; none elsewhere. */
export async function childProcesses(): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const all = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map(async (name) => [Number(name), await fieldsOf(name)] as const),
  );
  return all.flatMap(([id, [, parent]]) => (Number(parent) === process.pid ? [id] : []));
}

/** The CPU seconds that a process has used since its start; NaN where there is no /proc to say so. */
export async function processCpuSeconds(id: number | undefined): Promise<number> {
  const fields = await fieldsOf(String(id));
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** What proc(5) calls a process's third field and those after it; the second one may hold blanks. */
async function fieldsOf(id: string): Promise<readonly string[]> {
  const text = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => ''); // it may have ended meanwhile
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
