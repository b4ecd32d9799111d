import { readdirSync, readFileSync } from 'node:fs';

/** What a group of processes holds in memory, as far as the system tells: on Linux by /proc, elsewhere nothing is known. */
export interface GroupMemory {
  /** In bytes: of the leader the most that it ever held, of the others what they hold now. */
  read(): number | undefined;
}

// Looking through all processes of a machine takes a millisecond; those of a group seldom change.
const readsPerSearch = 5;

function kibibytes(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // It has just ended.
    return undefined;
  }
}

// Its name, in brackets, may have spaces; after it come the state, the parent and the group.
function groupOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
}

/** The memory of a process group, which its leader's number names. */
export function watchGroup(leader: number): GroupMemory {
  let reads = 0;
  let others: readonly number[] = [];
  const search = (): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== leader)
      .map(Number)
      .filter((pid) => attempt(() => groupOf(pid)) === leader);
  return {
    read: () => {
      const own = attempt(() => kibibytes(leader, 'VmHWM'));
      if (own === undefined) return undefined;
      if (reads % readsPerSearch === 0) others = attempt(search) ?? [];
      reads += 1;
      const held = others.map((pid) => attempt(() => kibibytes(pid, 'VmRSS')) ?? 0);
      return 1024 * held.reduce((sum, one) => sum + one, own);
    },
  };
}
