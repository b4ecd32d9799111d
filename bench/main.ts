import { parseArgs } from 'node:util';
import { benchClone } from './clone.ts';
import { benchKeys } from './keys.ts';
import { benchLambda } from './lambda.ts';
import { benchLargeObject } from './large-object.ts';
import { benchMasks } from './masks.ts';
import { isInstalled } from './measure.ts';
import { benchObjects } from './objects.ts';
import { benchRelay } from './relay.ts';
import { benchSmall } from './small.ts';
import { benchWide } from './wide.ts';

export interface BenchOptions {
  readonly rounds?: number;
  /** Of the data's size: 1 is the whole. */
  readonly scale: number;
  /** Where the servers keep their data: the system's folder for temporary files where not given. */
  readonly folder?: string;
  /** Part of the name of those that run: all where not given. */
  readonly only?: string;
  /** Whether the servers are asked for each statement's cost, in a run of its own. */
  readonly statements: boolean;
}

const benches = {
  clone: benchClone,
  keys: benchKeys,
  lambda: benchLambda,
  'large-object': benchLargeObject,
  masks: benchMasks,
  objects: benchObjects,
  relay: benchRelay,
  small: benchSmall,
  wide: benchWide,
};

const usage = `npm run bench -- ${Object.keys(benches).join(' | ')}
  --rounds N      how often each runs
  --scale N       the data's size, of the whole: 0.05 for a try
  --folder PATH   where the servers keep their data
  --only TEXT     those whose name holds it; lambda: size, start or memory
  --statements    clone: what each kind of statement costs the servers`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    scale: { type: 'string', default: '1' },
    folder: { type: 'string' },
    only: { type: 'string' },
    statements: { type: 'boolean', default: false },
  },
});
const [name = ''] = positionals;
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const scale = Number(values.scale);

if (!isBench(name) || !(scale > 0) || (rounds !== undefined && !(rounds >= 1))) {
  console.error(usage);
  process.exitCode = 2;
} else if (!isInstalled('time')) {
  console.error('GNU time is needed, which tells what a process cost: apt-get install time');
  process.exitCode = 2;
} else {
  await benches[name]({
    scale,
    statements: values.statements,
    ...(rounds === undefined ? {} : { rounds }),
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(values.folder === undefined ? {} : { folder: values.folder }),
  });
}

function isBench(word: string): word is keyof typeof benches {
  return Object.hasOwn(benches, word);
}
