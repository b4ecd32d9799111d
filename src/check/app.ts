import type { App } from '../app/client.ts';
import { comparisonText, judge, type Comparisons } from '../app/expected-value.ts';
import { readChecks } from '../app/health.ts';
import { valueAt } from '../app/json-path.ts';
import { shown } from '../app/shown.ts';
import { compareVersions, policyBreach, readVersion, versionText, type Version } from '../app/version.ts';
import { appOf } from '../connect.ts';
import { RestageError } from '../errors.ts';
import { refuseProduction, requireEnvironment } from '../plan.ts';
import type { CheckedDatabases } from './both-databases.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import type { CheckedDatabase } from './database.ts';
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
export function askApp({ side, config }: CheckedEnd, { config: all, signal }: CheckContext): CheckedApp | undefined {
  const app = appOf(config, all);
  if (!app) return undefined;
  const { version: place } = app;
  const version = begun(
    within(app.url, signal, async (ended) => {
      if (place) return readVersion(app, place, ended);
      await app.exchange({ method: 'HEAD', path: '/', signal: ended }); // any answer says that somebody is there
      return {};
    }),
  );
  const right = begun(
    version.then((found) => {
      if (side === 'target') refuseProduction(found.environment, `the environment of ${app.url}`);
      if (place) requireEnvironment(side, app, found);
      return found;
    }),
  );
  return { app, version, right };
}

export type CheckedApps = Readonly<Record<'source' | 'target', CheckedApp | undefined>>;

/** Reachable, the right environment, and how the versions of both ends stand to each other. */
export function appRows(
  ends: readonly CheckedEnd[],
  apps: CheckedApps,
  { config: { verify } }: CheckContext,
): Promise<Finding>[] {
  const look = lookIn('app');
  const rows = ends.flatMap(({ side, config }) => {
    const asked = apps[side];
    if (!asked || !config.app) return [];
    const { environment, version: place } = config.app;
    return [
      look(`${side}.app.url`, config.app.url, async () => {
        const version = await asked.version;
        return place ? `version ${described(version)}` : 'it answers; its version is not asked for';
      }),
      ...(!place || (environment === undefined && side === 'source')
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
  if (!source || !target || !(source.app.version || target.app.version)) return rows;
  const policy = verify.versions;
  return [
    ...rows,
    look(policy === 'any' ? 'app versions' : 'verify.versions', policy === 'any' ? '' : policy, async () => {
      const versions = [
        await after('source.app.url', source.version),
        await after('target.app.url', target.version),
      ] as const;
      const breach = policyBreach(compareVersions(...versions), policy);
      if (breach === undefined) return versionsSeen(...versions);
      return {
        found: breach,
        verdict: 'wrong',
        fix: `A run would put the previous database back for it. Deploy the right version, or change verify.versions, which is ${policy}.`,
      };
    }),
  ];
}

/** The fields that verify relies on. What they say is its business: staging may be unwell before it is refreshed. */
export function verifyRows(
  { config, signal }: CheckContext,
  apps: CheckedApps,
  databases: CheckedDatabases | undefined,
): Promise<Finding>[] {
  const look = lookIn('app');
  const { health, totals, expect } = config.verify;
  const ask = async <T>(side: 'source' | 'target', read: (app: App, ended: AbortSignal) => Promise<T>): Promise<T> => {
    const asked = apps[side];
    if (!asked) throw new RestageError('internal', `no application of ${side}`);
    await after(`${side}.app.url`, asked.version);
    if (asked.app.version) await after(`${side}.app.environment`, asked.right);
    return within(asked.app.url, signal, (ended) => read(asked.app, ended));
  };
  const fields = (side: 'source' | 'target', path: string, names: readonly string[]) =>
    ask(side, async (app, ended) => (await readFields(app, path, names, ended)).words);
  return [
    ...(health
      ? [
          look('verify.health.path', `GET ${health.path}`, () =>
            ask('target', async (app, ended) => {
              const { words, body } = await readFields(app, health.path, Object.keys(health.expect), ended);
              const { length } = readChecks(valueAt(body, health.checks));
              return length === 0 ? words : `${words}; ${length === 1 ? 'one check' : `${length} checks`} beside it`;
            }),
          ),
        ]
      : []),
    ...totals.flatMap(({ path, read, table }, index) => {
      const setting = `verify.totals.${index}`;
      if (table !== undefined)
        return [
          look(`${setting} at target`, `GET ${path}`, () => fields('target', path, [read])),
          ...(databases ? [look(`${setting}.table`, table, () => tableSeen(table, databases))] : []),
        ];
      return (['source', 'target'] as const).map((side) =>
        look(`${setting} at ${side}`, `GET ${path}`, () => fields(side, path, [read])),
      );
    }),
    ...expect.map(({ end, path, read, ...expected }, index) =>
      look(`verify.expect.${index}`, `GET ${path} at ${end}`, () =>
        ask(end, async (app, ended) => {
          const { words, body } = await readFields(app, path, [read], ended);
          return valueSeen(end, words, judge(valueAt(body, read), expected), expected);
        }),
      ),
    ),
  ];
}

/** What the source says now it will say in a run; of the target only its own code decides. */
function valueSeen(end: 'source' | 'target', words: string, wrong: string | undefined, expected: Comparisons): Seen {
  if (wrong === undefined) return words;
  const found = `${words}; expected: ${comparisonText(expected)}`;
  if (end === 'target') return { found, verdict: 'note' };
  return { found, verdict: 'note', fix: 'A run would fail for it, and put the previous database back.' };
}

/** The new database has the source's tables; migrations may bring more. */
async function tableSeen(name: string, { source, target }: CheckedDatabases): Promise<Seen> {
  const { findTable } = await import('../postgres/count-rows.ts');
  const find = async (end: CheckedDatabase | undefined) => end?.ask((session) => findTable(session, name));
  const [from, to] = await Promise.all([find(source), find(target)]);
  if (from) return 'the source has it';
  if (to)
    return { found: 'only the target has it', verdict: 'note', fix: 'It must be there after the migrations, too.' };
  return {
    found: 'neither database has it',
    verdict: 'wrong',
    fix: 'It is written as in the database: bare in the schema public, else schema.table.',
  };
}

function described({ version, gitSha, environment }: Version): string {
  return [version ?? 'unknown', gitSha && `git ${gitSha}`, environment && `environment ${environment}`]
    .filter(Boolean)
    .join(', ');
}

/** Staging ahead of production is as it should be; production ahead of staging is worth a look. */
export function versionsSeen(source: Version, target: Version): Seen {
  const both = `source ${versionText(source)}, target ${versionText(target)}`;
  const { relation } = compareVersions(source, target);
  if (relation === 'same') return `${both}: the same ${source.gitSha && target.gitSha ? 'code' : 'version'}`;
  if (relation === 'ahead') return `${both}: the target runs the newer code, as is usual`;
  if (relation === 'other' || relation === 'unknown') return `${both}: which one is newer cannot be told`;
  return {
    found: `${both}: the source runs the newer code`,
    verdict: 'note',
    fix: "Deploy it to the target first: the target's older code may not know the copied schema.",
  };
}

/** The HTTP status and what the fields of the answer hold. Throws `app-unexpected` where one is not there. */
async function readFields(
  app: App,
  path: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly words: string; readonly body: unknown }> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  const lacking = names.filter((name) => valueAt(body, name) === undefined);
  if (lacking.length > 0)
    throw new RestageError('app-unexpected', `HTTP ${status} without ${lacking.join(' and ')}`, {
      hint: `GET ${app.url}${path} must answer JSON with ${lacking.join(' and ')}: correct the path or the field.`,
    });
  const words = [`HTTP ${status}`, ...names.map((name) => `${name} is ${shown(valueAt(body, name))}`)].join(', ');
  return { words, body };
}
