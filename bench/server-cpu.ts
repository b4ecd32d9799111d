import { readdir, readFile } from 'node:fs/promises';
import type { PostgresServer } from '../demo/postgres-server.ts';
import { query } from '../test/sql.ts';

// What /proc counts in: USER_HZ, which is 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

/**
 * The CPU seconds that a server has used since its start: of the processes it has now, and of those that have ended.
 * From Linux's /proc; NaN elsewhere.
 */
export async function serverCpuSeconds(server: PostgresServer): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const [row] = await query(server.adminUrl(), `select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid`);
  const postmaster = Number(row?.['pid']);
  const all = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(readProcess));
  let ticks = 0;
  for (const one of all) {
    if (one?.id === postmaster) ticks += one.own + one.ended;
    else if (one?.parent === postmaster) ticks += one.own;
  }
  return ticks / ticksPerSecond;
}

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly own: number;
  /** Of its children that have ended. */
  readonly ended: number;
}

async function readProcess(name: string): Promise<Process | undefined> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined); // it may have ended meanwhile
  if (text === undefined) return undefined;
  // proc(5): the second field is the program's name in brackets, with blanks perhaps; the fourth is the parent.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return { id: Number(name), parent: field(4), own: field(14) + field(15), ended: field(16) + field(17) };
}
