import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Document } from 'yaml';
import type { Report, Verification } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { type Scene, startScene } from './scene.ts';
import { faults } from './schema-faults.ts';
import { startSmallApp, type SmallApp, type Told } from './small-app.ts';

// What the applications say decides after the swap: the demo's own, and staging's behind a front that can lie.
let scene: Scene;
let before: Contents;
let front: SmallApp;
let lies: Readonly<Record<string, (told: unknown) => Told>> = {};

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
  front = await startSmallApp(async ({ method, path, headers }) => {
    const { url } = scene.environment.target.app;
    const key = String(headers['x-api-key'] ?? '');
    const answer = await fetch(`${new URL(url).origin}${path.replace('/api', '/api/v1')}`, {
      method,
      headers: { 'X-API-Key': key },
    });
    const body: unknown = await answer.json();
    const lie = Object.entries(lies).find(([part]) => path.includes(part))?.[1];
    return lie ? lie(body) : { status: answer.status, body };
  });
});
afterEach(() => {
  lies = {};
});
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

function configure(verify: Readonly<Record<string, unknown>>): Promise<string> {
  return scene.configure((document: Document) => {
    document.setIn(['target', 'app', 'url'], front.url);
    document.set('verify', document.createNode({ withinSeconds: 1, ...verify }));
  });
}

async function sync(verify: Readonly<Record<string, unknown>>) {
  return scene.sync('--only', 'database', '--config', await configure(verify));
}

/** The database is the one from before, and the report says why. */
async function requireSwappedBack(
  { code, report }: { code: number | null; report: Report },
  step: string,
  holds: unknown = 'staging holds its previous database again, as it was before the run',
) {
  expect([code, report.outcome, report.failure?.step]).toEqual([1, 'failed', step]);
  expect(report).toMatchObject({ recovery: { swappedBack: true }, holds });
  expect(faults('report', report)).toEqual([]);
  expect(await scene.staging()).toEqual(before);
  const files = [...(await scene.runFiles())].filter(([file]) => file.includes(report.run));
  expect(files.find(([file]) => file.endsWith('report.md'))?.[1]).toContain(step);
  return report.failure?.message ?? '';
}

const stepOf = (report: Report, kind: string) => report.steps.find((step) => step.kind === kind);
const health = { path: '/health/deep', expect: { status: 'healthy' }, withinSeconds: 1 };

test('an unhealthy application after the swap puts the previous database back, and its checks are in the report', async () => {
  lies = { '/health/deep': (told) => ({ body: { ...(told as object), status: 'degraded' } }) };
  const synced = await sync({ health });
  const still = expect.stringMatching(
    / given its previous database back, .* health: .* status is "degraded"/,
  ) as string;
  const said = await requireSwappedBack(synced, 'check-health', still);
  expect(said).toMatch(/status is "degraded", "healthy" expected \(still so after 1 s\)$/);
  expect(stepOf(synced.report, 'check-health')?.outcome).toMatchObject({
    status: 'failed',
    facts: {
      checks: [
        { name: 'database', healthy: true, detail: expect.stringContaining('book_count 153') },
        { name: 's3', status: 'skipped', healthy: true },
        { name: 'cognito', status: 'skipped', healthy: true },
      ],
    },
  });
});

test('versions against the policy put the previous database back', async () => {
  const synced = await sync({ versions: 'same' });
  expect(await requireSwappedBack(synced, 'compare-versions')).toMatch(
    /1\.3\.0 \(a9fd309\) at the source and 1\.4\.0-rc\.2 \(6575f61\) at the target: not the same/,
  );
});

test('a target that is called production by now puts the previous database back', async () => {
  let asked = 0;
  lies = {
    '/health/version': (told) => ({
      body: { ...(told as object), environment: (asked += 1) > 1 ? 'production' : 'staging' },
    }),
  };
  const synced = await sync({});
  const still = expect.stringMatching(
    / given its previous database back, .* version: .* production, not staging/,
  ) as string;
  expect(await requireSwappedBack(synced, 'compare-versions', still)).toMatch(
    /its environment is production, not staging/,
  );
  expect(synced.report.failure?.code).toBe('app-unexpected');
});

test('a total that is not the number of rows puts the previous database back', async () => {
  lies = { '/books': (told) => ({ body: { ...(told as object), total: 152 } }) };
  const totals = [{ path: '/books?limit=1', read: 'total', table: 'books' }];
  const synced = await sync({ totals });
  expect(await requireSwappedBack(synced, 'compare-total /books?limit=1 total')).toMatch(
    /^total of GET \/books\?limit=1 is 152 at the target, and books has 153 rows there/,
  );
});

test('a value that is not as expected puts the previous database back', async () => {
  const synced = await sync({ expect: [{ path: '/books?limit=1', read: 'items[0].status', equals: 'lost' }] });
  expect(await requireSwappedBack(synced, 'check-value 1 /books?limit=1 items[0].status')).toMatch(/"lost" expected/);
});

test('where all is right the run ends well, and verify says the same at any time', async () => {
  const verify = {
    health,
    versions: 'ahead',
    totals: [{ path: '/books?limit=1', read: 'total', table: 'books' }],
    expect: [
      { path: '/books?limit=1', read: 'total', atLeast: 1 },
      { end: 'source', path: '/health/version', read: 'environment', equals: 'production' },
    ],
  };
  const config = await configure(verify);
  const checked = await scene.restage('check', '--only', 'database', '--config', config);
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/✓ verify\.versions +ahead/)]);
  const all = await scene.restage('check', '--config', config);
  for (const row of ['verify.totals.0 at target', 'verify.totals.0.table', 'verify.expect.0', 'verify.expect.1'])
    expect(all.stdout).toMatch(new RegExp(`✓ ${row} `));
  const { code, report } = await scene.sync('--only', 'database', '--config', config);
  expect([code, report.outcome]).toEqual([0, 'done']);
  expect(stepOf(report, 'compare-versions')?.outcome).toMatchObject({
    facts: { relation: 'ahead', source: { environment: 'production' }, target: { gitSha: '6575f61' } },
  });
  expect(stepOf(report, 'compare-total')?.outcome).toMatchObject({ facts: { source: 153, target: 153 } });
  lies = { '/books': () => ({ status: 503, body: '<html>restarting</html>' }) };
  const verified = await scene.restage('verify', '--json', '--config', config);
  const found = JSON.parse(verified.stdout) as Verification; // its fields are looked at one by one
  expect(found.health).toMatchObject({ healthy: true, checks: { length: 3 } });
  expect(found.versions).toMatchObject({ relation: 'ahead', policy: 'ahead' });
  expect(found.expectations[1]).toMatchObject({ value: 'production' });
  expect([verified.code, found.differences.filter((line) => line.includes('HTTP 503'))]).toMatchObject([
    4,
    { length: 2 },
  ]);
});

test('restage api asks the demo’s application', async () => {
  const [total, version] = await Promise.all([
    scene.restage('api', 'GET', '/books?limit=5', '--read', 'total'),
    scene.restage('api', '--end', 'source', 'GET', '/health/version', '--json'),
  ]);
  expect(total).toEqual({ code: 0, stdout: '153\n', stderr: '' });
  expect(JSON.parse(version.stdout)).toMatchObject({ status: 200, body: { environment: 'production' } });
  const refused = await scene.restage('api', '--end', 'source', 'POST', '/health/migrate');
  expect(refused.code).toBe(3);
});
