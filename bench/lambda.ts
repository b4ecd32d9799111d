import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import { buildFunction, type BuiltFunction, type FunctionVariant } from '../build-function.ts';
import { type Environment, startEnvironment } from '../demo/environment.ts';
import { median, spread, table } from './figures.ts';
import { watchFirstRow, type FirstRow } from './first-row.ts';
import { startFunction, threadsCpuMs } from './function-process.ts';
import type { BenchOptions } from './main.ts';
import { memoryOf } from './lambda-memory.ts';

const execute = promisify(execFile);

/** How the bundle might be made; the first is how it is. */
const variants: Readonly<Record<string, FunctionVariant>> = {
  'as published': {},
  'the SDK of the runtime': { sdk: 'runtime' },
  'one file an entry': { splitting: false },
  minified: { minify: true },
  'with source maps': { sourcemap: true },
};

interface Built {
  readonly name: string;
  readonly folder: string;
  readonly built: BuiltFunction;
}

/** The function's bundle: its size, its start to the first row, and the memory of a refresh. */
export async function benchLambda({ rounds = 7, scale, folder, only }: BenchOptions): Promise<void> {
  const work = await mkdtemp(join(folder ?? tmpdir(), 'restage-bench-lambda-'));
  try {
    const bundles = await Promise.all(Object.keys(variants).map((name) => buildVariant(work, name)));
    console.log(`${sizes(bundles)}\n`);
    if (!only || only.includes('start')) console.log(`${await starts(bundles, rounds)}\n`);
    if (!only || only.includes('memory')) console.log(await memoryOf(bundles[0]?.folder ?? work, scale, folder));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function buildVariant(work: string, name: string): Promise<Built> {
  const folder = join(work, name.replaceAll(' ', '-'), 'function');
  await mkdir(folder, { recursive: true });
  const variant = variants[name] ?? {};
  const built = await buildFunction(folder, variant);
  // Lambda's runtime has it on a path of its own; here it is what is installed.
  if (variant.sdk === 'runtime')
    await symlink(join(import.meta.dirname, '../node_modules'), join(folder, 'node_modules'));
  return { name, folder, built };
}

function sizes(bundles: readonly Built[]): string {
  const [first] = bundles;
  const lines = bundles.map(({ name, built }) => [
    name,
    built.files.length.toString(),
    (built.bytes / 1e6).toFixed(2),
    (built.zippedBytes / 1e6).toFixed(2),
    (built.zippedBytes / (first?.built.zippedBytes ?? 1)).toFixed(2),
  ]);
  return table([['bundle', 'files', 'MB', 'MB as a ZIP', 'ratio'], ...lines]);
}

/** One start: to the first row of production, and of an invocation after it, in milliseconds. */
interface Start {
  readonly cold: number;
  /** Of the process, until then: it says more than the time where a machine is shared. */
  readonly coldCpu: number;
  readonly warm?: number;
}

/** Each way to start, round after round; another one begins each round. */
async function starts(bundles: readonly Built[], rounds: number): Promise<string> {
  await using environment = await startEnvironment();
  await using relay = await watchFirstRow(environment.source.postgres.port);
  const { file, variables } = await writeConfig(environment, relay.port);
  for (const { folder } of bundles) await cp(file, join(folder, 'restage.yaml'));
  const contenders = [
    ...bundles.map(({ name, folder }) => ({ name, start: () => startBundle(folder, variables, relay) })),
    { name: 'restage plan', start: () => startCommandLine(file, variables, relay) },
  ];
  const found = new Map<string, Start[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++)
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(Math.max(round, 0) + place) % contenders.length];
      const start = await contender?.start();
      if (contender && start && round >= 0) found.get(contender.name)?.push(start); // the first round warms the system's own caches
    }
  const [first = []] = found.values();
  const lines = [...found].map(([name, all]) => {
    const ratio = all.map(({ coldCpu }, round) => coldCpu / (first[round]?.coldCpu ?? Number.NaN));
    const warm = all.flatMap((one) => one.warm ?? []);
    return [
      name,
      median(all.map(({ cold }) => cold)).toFixed(0),
      Math.min(...all.map(({ cold }) => cold)).toFixed(0),
      median(all.map(({ coldCpu }) => coldCpu)).toFixed(0),
      spread(ratio),
      warm.length > 0 ? median(warm).toFixed(0) : '',
    ];
  });
  return table([
    ['to the first row of production', 'cold ms', 'least', 'CPU ms', 'ratio of CPU (rounds)', 'warm ms'],
    ...lines,
  ]);
}

async function startBundle(
  folder: string,
  variables: Readonly<Record<string, string>>,
  relay: FirstRow,
): Promise<Start> {
  await using running = await startFunction(folder, variables);
  const invoke = async (since: number) => {
    const seen = relay.next().then((at) => ({ ms: at - since, cpu: running.cpuMs() }));
    const { statusCode, answer } = await running.invoke({ action: 'plan' });
    if (statusCode !== 200) throw new Error(`the plan failed: ${answer}`);
    return seen;
  };
  const { ms: cold, cpu: coldCpu } = await invoke(running.startedAt);
  return { cold, coldCpu, warm: (await invoke(performance.now())).ms };
}

async function startCommandLine(
  file: string,
  variables: Readonly<Record<string, string>>,
  relay: FirstRow,
): Promise<Start> {
  const startedAt = performance.now();
  const main = join(import.meta.dirname, '../dist/src/cli/main.js');
  const args = [main, 'plan', '--quiet', '--only', 'database', '--config', file];
  const running = execute(process.execPath, args, { env: { ...variables }, cwd: dirname(file) });
  const seen = relay.next().then((at) => ({ cold: at - startedAt, coldCpu: threadsCpuMs(running.child.pid ?? 0) }));
  await running;
  return seen;
}

/** Both ends by one role's keys and by secrets, as a function reaches them; production by way of the relay. */
async function writeConfig(
  { configFile, folder, variables, source, target, aws }: Environment,
  port: number,
): Promise<{ readonly file: string; readonly variables: Readonly<Record<string, string>> }> {
  const document = parseDocument(await readFile(configFile, 'utf8'));
  const account = String(document.getIn(['target', 'aws', 'account']));
  for (const [end, { databaseUrl, database }] of [
    ['source', source],
    ['target', target],
  ] as const) {
    const { hostname: host, port: own, username, password } = new URL(databaseUrl);
    const value = { host, port: end === 'source' ? port : Number(own), username, password, dbname: database };
    await aws.putSecret({ name: `bench/${end}`, account, value: JSON.stringify(value) });
    document.setIn([end, 'database', 'secret'], `bench/${end}`);
    document.setIn([end, 'aws', 'account'], account);
    document.deleteIn([end, 'aws', 'profile']);
    document.setIn([end, 'aws', 'ambient'], true);
    document.deleteIn([end, 'aws', 'onLambda']);
    document.deleteIn([end, 'buckets']);
  }
  document.deleteIn(['verify', 'references']);
  document.deleteIn(['migrate']);
  document.deleteIn(['target', 'lambda']);
  const file = join(folder, 'bench.yaml');
  await writeFile(file, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  const credentials = await readFile(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', 'utf8');
  const keyOf = (name: string) => [...credentials.matchAll(new RegExp(`${name} = (.+)`, 'g'))].at(-1)?.[1] ?? '';
  const { AWS_SHARED_CREDENTIALS_FILE: _file, AWS_CONFIG_FILE: _config, ...rest } = variables;
  return {
    file,
    variables: {
      ...rest,
      AWS_ACCESS_KEY_ID: keyOf('aws_access_key_id'),
      AWS_SECRET_ACCESS_KEY: keyOf('aws_secret_access_key'),
      AWS_REGION: 'us-west-2',
      HOME: folder,
    },
  };
}
