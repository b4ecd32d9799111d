import { appClient, type App } from '../app/client.ts';
import { valueAt } from '../app/json-path.ts';
import { readVersion, type Version } from '../app/version.ts';
import { RestageError } from '../errors.ts';
import { refuseProduction } from '../plan.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { after, begun, lookIn, within, type Finding, type Seen } from './finding.ts';

/** The application behind an end, as far as it is looked at before anything else. */
export interface CheckedApp {
  readonly app: App;
  /** What it says it is. */
  readonly version: Promise<Version>;
  /** Where it is the environment that the config says, or the config says none. */
  readonly right: Promise<Version>;
}

/** Asks the application of an end what it is; undefined where the config names none. */
export function askApp({ side, config }: CheckedEnd, { signal }: CheckContext): CheckedApp | undefined {
  if (!config.app) return undefined;
  const { url, headers, environment, version: place } = config.app;
  const app = appClient(url, headers);
  const version = begun(
    within(app.url, signal, (ended) => (place ? readVersion(app, place, ended) : Promise.resolve<Version>({}))),
  );
  const right = begun(
    version.then((found) => {
      if (side === 'target') refuseProduction(found.environment, `the environment of ${app.url}`);
      if (environment !== undefined && found.environment !== environment)
        throw new RestageError(
          'app-unexpected',
          `${app.url} says that its environment is ${found.environment ?? 'unknown'}, not ${environment}`,
          { hint: `${side}.app.url leads to another environment, or ${side}.app.environment is wrong.` },
        );
      return found;
    }),
  );
  return { app, version, right };
}

export type CheckedApps = Readonly<Record<'source' | 'target', CheckedApp | undefined>>;

/** Reachable, the right environment, and how the versions of both ends stand to each other. */
export function appRows(ends: readonly CheckedEnd[], apps: CheckedApps): Promise<Finding>[] {
  const look = lookIn('app');
  const rows = ends.flatMap(({ side, config }) => {
    const asked = apps[side];
    if (!asked || !config.app) return [];
    const { environment } = config.app;
    return [
      look(`${side}.app.url`, config.app.url, async () => `version ${described(await asked.version)}`),
      ...(environment === undefined && side === 'source'
        ? []
        : [
            look(`${side}.app.environment`, environment ?? '', async () => {
              await after(`${side}.app.url`, asked.version);
              return (await asked.right).environment ?? 'unknown';
            }),
          ]),
    ];
  });
  const { source, target } = apps;
  if (!source || !target) return rows;
  return [
    ...rows,
    look('app versions', '', async () =>
      versionsSeen(await after('source.app.url', source.version), await after('target.app.url', target.version)),
    ),
  ];
}

/** The fields that verify relies on. What they say is its business: staging may be unwell before it is refreshed. */
export function verifyRows({ config, signal }: CheckContext, apps: CheckedApps): Promise<Finding>[] {
  const look = lookIn('app');
  const { health, totals } = config.verify;
  const fields = async (side: 'source' | 'target', path: string, names: readonly string[]) => {
    const asked = apps[side];
    if (!asked) throw new RestageError('internal', `no application of ${side}`);
    await after(`${side}.app.url`, asked.version);
    await after(`${side}.app.environment`, asked.right);
    return within(asked.app.url, signal, (ended) => readFields(asked.app, path, names, ended));
  };
  return [
    ...(health
      ? [
          look('verify.health.path', `GET ${health.path}`, () =>
            fields('target', health.path, Object.keys(health.expect)),
          ),
        ]
      : []),
    ...(['source', 'target'] as const).flatMap((side) =>
      totals.map(({ path, read }, index) =>
        look(`verify.totals.${index} at ${side}`, `GET ${path}`, () => fields(side, path, [read])),
      ),
    ),
  ];
}

function described({ version, gitSha, environment }: Version): string {
  return [version ?? 'unknown', gitSha && `git ${gitSha}`, environment && `environment ${environment}`]
    .filter(Boolean)
    .join(', ');
}

/** Staging ahead of production is as it should be; production ahead of staging is worth a look. */
export function versionsSeen(source: Version, target: Version): Seen {
  const shown = ({ version, gitSha }: Version) => `${version ?? 'unknown'}${gitSha ? ` (${gitSha})` : ''}`;
  const both = `source ${shown(source)}, target ${shown(target)}`;
  if (source.gitSha !== undefined && source.gitSha === target.gitSha) return `${both}: the same code`;
  const [from, to] = [source.version, target.version].map(numbersOf);
  if (!from || !to) return `${both}: which one is newer cannot be told`;
  const order = from.map((part, index) => part - (to[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
  if (order === 0) return `${both}: the same version`;
  if (order < 0) return `${both}: the target runs the newer code, as is usual`;
  return {
    found: `${both}: the source runs the newer code`,
    verdict: 'note',
    fix: "Deploy it to the target first: the target's older code may not know the copied schema.",
  };
}

/** 1.4.0-rc.2 → [1, 4, 0]; undefined for what is no such version. */
function numbersOf(version: string | undefined): number[] | undefined {
  const [, ...parts] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version ?? '') ?? [];
  return parts.length === 0 ? undefined : [0, 1, 2].map((index) => Number(parts[index] ?? 0));
}

/** The HTTP status and what the fields of the answer hold. Throws `app-unexpected` where one is not there. */
async function readFields(
  app: App,
  path: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  const lacking = names.filter((name) => valueAt(body, name) === undefined);
  if (lacking.length > 0)
    throw new RestageError('app-unexpected', `HTTP ${status} without ${lacking.join(' and ')}`, {
      hint: `GET ${app.url}${path} must answer JSON with ${lacking.join(' and ')}: correct the path or the field.`,
    });
  return [`HTTP ${status}`, ...names.map((name) => `${name} is ${JSON.stringify(valueAt(body, name))}`)].join(', ');
}
