import {
  protect,
  readProtection,
  requireUnattended,
  type ConnectOptions,
  type Config,
  type Markable,
  type Marked,
} from '../index.ts';
import { confirmName } from './confirm.ts';
import type { Terminal } from './terminal.ts';

export interface ProtectSettings {
  readonly side: 'source' | 'target';
  /** Agreed to beforehand. */
  readonly yes: boolean;
  /** Only say what does it by hand. */
  readonly print: boolean;
  readonly connect: ConnectOptions;
  readonly signal: AbortSignal;
  /** Called when something begins to be changed. */
  readonly onStart: (interrupted: string) => void;
}

/** Marks an end so that no sync ever replaces it: says what is written and where, asks, writes, tells. The exit code. */
export async function protectEnd(config: Config, terminal: Terminal, settings: ProtectSettings): Promise<number> {
  const { side, yes, print, signal, onStart } = settings;
  const { name } = config[side];
  if (yes) requireUnattended(config, { side });
  const options = { ...settings.connect, side, signal };
  const found = await readProtection(config, options);
  const missing = found.filter(({ isMarked }) => !isMarked);
  if (print) {
    for (const { byHand } of missing) terminal.print(byHand);
    terminal.json({ end: name, marks: found });
    return 0;
  }
  const open = missing.filter(({ obstacle }) => obstacle === undefined);
  if (open.length > 0) {
    const what = `marks ${name} as protected: no sync replaces it, whatever its config says`;
    terminal.tell(`To protect ${name}, restage writes\n${open.map((one) => `  ${words(one)}\n`).join('')}`);
    if (!yes) await confirmName(name, what, terminal, signal);
    onStart('interrupted; `restage protect` once more says what is marked by now, and marks the rest');
  }
  const marks = open.length > 0 ? await protect(config, options) : found.map(asFound);
  for (const mark of marks) tell(mark, terminal);
  terminal.json({ end: name, marks });
  return marks.some(({ outcome }) => outcome === 'refused') ? 1 : 0;
}

function asFound(found: Markable): Marked {
  return { ...found, outcome: found.isMarked ? 'was-marked' : 'refused' };
}

/** the comment on the database shop at host:5432, … */
function words({ kind, place, byHand }: Markable): string {
  return kind === 'database'
    ? `the comment on the database ${place}: ${byHand}`
    : `a tag of the bucket ${place}: restage:protected`;
}

function tell({ kind, place, outcome, obstacle, byHand }: Marked, { print, warn, style }: Terminal): void {
  if (outcome === 'refused') {
    warn(`${style('bad', '✗')} the ${kind} ${place} is not protected: ${obstacle}`);
    warn(`  Somebody who may can do it: ${byHand}`);
  } else print(`${style('good', '✓')} the ${kind} ${place} is protected${outcome === 'marked' ? '' : ' already'}`);
}
