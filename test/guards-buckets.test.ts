import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect as connectTo, createServer as listenTo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Account, type LocalAws, startLocalAws } from '../demo/local-aws/local-aws.ts';
import { connect, type Ends, failureOf, type Failure, loadConfig, plan } from '../src/index.ts';
import { addressesOf } from '../src/host-addresses.ts';

// Two stores, and both ends with the same bucket name.
const hasName = (await addressesOf(hostname())).includes('127.0.0.1') && hostname() !== 'localhost';
let folder: string;
let stores: readonly [LocalAws, LocalAws];
const production: Account = { id: '111111111111', accessKeyId: 'AKIAPROD', secretAccessKey: 'secret-p', user: 'prod' };
const staging: Account = { id: '222222222222', accessKeyId: 'AKIASTAGE', secretAccessKey: 'secret-s', user: 'stage' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-guards-'));
  const accounts = [production, staging];
  stores = await Promise.all([startLocalAws({ accounts, folder }), startLocalAws({ accounts, folder })]);
  for (const store of stores) {
    await store.createBucket({ name: 'images', account: production.id });
    await store.seedObjects('images', [{ key: 'a', body: 'a' }]);
  }
  const keys = ({ accessKeyId, secretAccessKey }: Account) =>
    `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\nregion = us-west-2\n`;
  await writeFile(join(folder, 'credentials'), `[prod]\n${keys(production)}[stage]\n${keys(staging)}`);
});
beforeEach(() => Promise.all(stores.map((store) => store.clearFaults())));
afterAll(async () => {
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

interface Change {
  readonly s3?: string;
  readonly bucket?: string;
  readonly profile?: string;
  readonly account?: string;
}

/** Both ends by production's keys, without an STS unless an account is asserted. */
function ends(source: Change = {}, target: Change = {}): Promise<Ends> {
  const end = (name: string, { s3 = stores[0].endpoint, bucket = 'images', profile = 'prod', account }: Change) => ({
    name,
    aws: {
      profile,
      ...(account === undefined ? {} : { account }),
      endpoints: { s3, ...(account === undefined ? {} : { sts: stores[0].endpoint }) },
    },
    buckets: { images: bucket },
  });
  const config = loadConfig({ version: 1, source: end('production', source), target: end('staging', target) });
  return connect(config, { profileFiles: { credentials: join(folder, 'credentials'), config: join(folder, 'none') } });
}

async function refused(work: Promise<Ends>): Promise<Failure> {
  const failure = await work.then((found) => found[Symbol.dispose](), failureOf);
  expect(failure, 'it must be refused').toBeDefined();
  return failure as Failure;
}

const deny = { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' } as const;
const denyListing = (store: LocalAws) => store.inject({ match: { operation: 'ListBuckets' }, ...deny });

/** Another port of this machine that leads to one. */
async function forwarder(port: number): Promise<{ readonly endpoint: string } & Disposable> {
  const server = listenTo((socket) => {
    const onward = connectTo(port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const one of [socket, onward]) one.on('error', () => one.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number }; // of a TCP server
  return { endpoint: `http://127.0.0.1:${own}`, [Symbol.dispose]: () => void server.close() };
}

describe('one bucket', () => {
  test.each([
    'http://localhost:PORT',
    'http://[::1]:PORT',
    'http://0.0.0.0:PORT',
    'http://LOCALHOST.:PORT/',
    'http://[::ffff:127.0.0.1]:PORT',
  ])('by another spelling of the address, %s, is refused before anything is asked', async (spelling) => {
    await stores[0].resetRequests();
    const s3 = spelling.replace('PORT', new URL(stores[0].endpoint).port);
    const { code, message } = await refused(ends({}, { s3 }));
    expect([code, message]).toEqual(['target-is-source', 'target.buckets.images is a bucket of the source: images']);
    expect(await stores[0].requests()).toEqual([]);
  });

  test('behind a forwarder is found out by its owner and its making', async () => {
    using forwarded = await forwarder(Number(new URL(stores[0].endpoint).port));
    const { code, message } = await refused(ends({}, { s3: forwarded.endpoint }));
    expect(code).toBe('target-is-source');
    expect(message).toContain('target.buckets.images is a bucket of the source: images, by two names of one store');
    expect(message).toContain(forwarded.endpoint.replace('http://', ''));
  });

  test('that may not be looked at is told in the plan, where it may be another', async () => {
    using forwarded = await forwarder(Number(new URL(stores[0].endpoint).port));
    await denyListing(stores[0]);
    using found = await ends({}, { s3: forwarded.endpoint });
    expect(found.doubts).toEqual([
      expect.stringMatching(
        /^both ends have a bucket images, .* whether it is one and the same could not be found out/,
      ),
    ]);
    const config = loadConfig({
      version: 1,
      source: { name: 'production', aws: { profile: 'prod' }, buckets: { images: 'images' } },
      target: { name: 'staging', aws: { profile: 'prod' }, buckets: { images: 'images' } },
    });
    expect((await plan(config, found)).notes).toEqual(expect.arrayContaining([...found.doubts]));
  });
});

describe('two buckets of one name', () => {
  test('in two stores are two', async () => {
    using found = await ends({}, { s3: stores[1].endpoint });
    expect(found.doubts).toEqual([]);
  });

  // Not every machine has a name for its loopback address beside localhost.
  test.skipIf(!hasName)(
    'behind one address are two where the stores say so, and refused where they may not be asked',
    async () => {
      const [first, second] = stores.map(({ endpoint }) => Number(new URL(endpoint).port));
      // As an ingress does: by the host that a request names.
      const ingress = createServer((incoming, outgoing) => {
        const { method, url: path, headers } = incoming;
        const port = headers.host?.startsWith('127.') ? first : second;
        const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        incoming.pipe(onward);
      }).listen(0, '127.0.0.1');
      await once(ingress, 'listening');
      const { port } = ingress.address() as { port: number }; // of a TCP server
      const both = () => ends({ s3: `http://127.0.0.1:${port}` }, { s3: `http://${hostname()}:${port}` });
      try {
        using found = await both();
        expect(found.doubts).toEqual([]);
        await denyListing(stores[1]);
        const { code, message, hint } = await refused(both());
        expect([code, message]).toEqual(['target-is-source', expect.stringContaining('by two names of one address')]);
        expect(hint).toContain('s3:ListAllMyBuckets');
      } finally {
        ingress.closeAllConnections();
        ingress.close();
      }
    },
  );
});

describe('an access point', () => {
  test.each(['images-abc-s3alias', 'images--ol-s3', 'arn:aws:s3:::images', 'mfzwi23gnjvgw.mrap'])(
    'is no bucket of the target: %s hides which one is written to',
    async (bucket) => {
      const { code, message } = await refused((async () => ends({}, { bucket }))());
      expect([code, message]).toEqual([
        'config-invalid',
        expect.stringContaining(
          'target.buckets.images: is an access point or an ARN, which hides which bucket is written to',
        ),
      ]);
    },
  );

  test('of the source is told in the plan where the accounts do not say that it is another', async () => {
    const point = { bucket: 'images-abc-s3alias' };
    using unknown = await ends(point);
    expect(unknown.doubts).toEqual([
      expect.stringMatching(/^images-abc-s3alias is an access point.* not images, the target/),
    ]);
    using known = await ends({ ...point, account: production.id }, { profile: 'stage', account: staging.id });
    expect(known.doubts).toEqual([]);
  });
});

describe('the account', () => {
  test('each end asserts its own: profiles that are the wrong way round are refused', async () => {
    const swapped = ends(
      { profile: 'stage', account: production.id, bucket: 'images' },
      { profile: 'prod', account: staging.id, bucket: 'other' },
    );
    const { code, message } = await refused(swapped);
    expect(code).toBe('account-mismatch');
    expect(message).toMatch(/^account 222222222222 is reached with the profile stage, not 111111111111 /);
  });

  test('one profile for both ends is refused where the config says that the accounts differ', async () => {
    const both = ends({ account: production.id }, { profile: 'prod', account: staging.id, bucket: 'other' });
    const { code, message } = await refused(both);
    expect([code, message]).toEqual([
      'account-mismatch',
      expect.stringMatching(/^account 111111111111 is reached with the profile prod, not 222222222222 /),
    ]);
  });
});
