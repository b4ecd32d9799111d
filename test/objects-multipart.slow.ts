import { createServer, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, expect } from 'vitest';
import {
  aws,
  countRequests,
  expectAllCopied,
  expectFailed,
  expectNothingLeft,
  type Pair,
  pairIn,
  pairOf,
  strike,
} from './objects-scene.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();
const told = needs('part-number', 'multipart-etag', 'faults');

beforeEach(async () => store.aws?.clearFaults());

const mebibyte = 1024 ** 2;
const least = 5 * mebibyte;

/** Sizes of the parts that an object came in. */
const layouts: Readonly<Record<string, readonly number[]>> = {
  'even parts': [least, least, least],
  'even parts and a rest': [6 * mebibyte, 6 * mebibyte, 12_345],
  'a last part of one byte': [6 * mebibyte, 1],
  'one part': [70_000],
  'one large part': [6 * mebibyte],
  'uneven parts': [least, 7 * mebibyte, least, 6 * mebibyte],
};

async function seed(pair: Pair, objects: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const seeded = Object.entries(objects).map(([key, partSizes], index) => ({
    key,
    partSizes,
    sizeBytes: partSizes.reduce((sum, size) => sum + size, 0),
    seed: index + 1,
    contentType: 'video/mp4',
    metadata: { parts: String(partSizes.length) },
    tags: { layout: key },
  }));
  await aws().seedObjects(pair.from, seeded);
}

async function etags(pair: Pair, key: string) {
  const source = await store.source.client.send(new HeadObjectCommand({ Bucket: pair.from, Key: key }));
  const target = await pair.head(key);
  return { source: source.ETag, target: target.ETag, remembered: target.Metadata?.['restage-source-etag'] };
}

for (const route of ['stream', 'server'] as const) {
  const arrange = () => pairOf({ objects: { route }, source: { readableBy: store.target } });

  told(
    `parts are repeated as they were, so that the ETags meet and each is uploaded once, by the route ${route}`,
    async () => {
      const pair = await arrange();
      await seed(pair, layouts);
      await aws().resetRequests();
      const refreshed = await pair.refresh();
      const count = Object.values(layouts).length;
      expect(await countRequests(pair.to)).toMatchObject({
        CreateMultipartUpload: count,
        CompleteMultipartUpload: count,
      });
      const target = await expectAllCopied(pair, refreshed);
      expect(target['one part']).toMatchObject({ metadata: { parts: '1' }, tags: { layout: 'one part' } });
      for (const key of Object.keys(layouts)) {
        const { source, target: copied, remembered } = await etags(pair, key);
        expect({ key, etag: copied, remembered }).toEqual({ key, etag: source, remembered: undefined });
      }
      await expectNothingLeft(pair);
    },
  );

  told(`parts that only seem to be even are repeated as they were too, by the route ${route}`, async () => {
    const pair = await arrange();
    await seed(pair, { seeming: [6 * mebibyte, least, 7 * mebibyte] });
    await expectAllCopied(pair, await pair.refresh());
    const { source, target } = await etags(pair, 'seeming');
    expect(target).toBe(source);
  });

  told(`parts that no upload may have are not repeated: the ETag is remembered, by the route ${route}`, async () => {
    const pair = await arrange();
    await seed(pair, {
      'small parts': [mebibyte, mebibyte, 5],
      'a small one among them': [least, mebibyte, least, mebibyte],
    });
    await expectAllCopied(pair, await pair.refresh());
    for (const key of ['small parts', 'a small one among them']) {
      const { source, target, remembered } = await etags(pair, key);
      expect(target).not.toBe(source);
      expect(`"${remembered}"`).toBe(source);
    }
    await expectNothingLeft(pair);
  });

  told(
    `where the store does not tell its parts the ETag is remembered, and a change is seen all the same, by the route ${route}`,
    async () => {
      await using proxy = await silentProxy(store.source.endpoint);
      const plainly = await arrange();
      const ends = {
        ...store,
        source: { ...store.source, endpoint: proxy.endpoint },
        target: { ...store.target, endpoint: proxy.endpoint },
      };
      const pair = await pairIn(plainly.from, plainly.to, { route }, ends);
      await seed(pair, {
        usual: [8 * mebibyte, 8 * mebibyte, 99],
        odd: [least + 7, least + 7, 99],
        changing: [least, 99],
      });
      await expectAllCopied(pair, await pair.refresh());
      for (const key of ['usual', 'odd', 'changing']) {
        const { source, remembered } = await etags(pair, key);
        expect(`"${remembered}"`).toBe(source);
      }
      await expectNothingLeft(pair);
      await aws().seedObjects(pair.from, [
        { key: 'changing', sizeBytes: least + 99, seed: 77, partSizes: [least, 99] },
      ]);
      const second = await pair.refresh();
      expect(second.outcomes.map(({ key }) => key)).toEqual(['changing']);
      await expectAllCopied(pair, second);
    },
  );

  told(`an upload that fails is aborted, and staging keeps what it had, by the route ${route}`, async () => {
    const pair = await arrange();
    await store.target.client.send(new PutObjectCommand({ Bucket: pair.to, Key: 'complete', Body: 'before' }));
    await seed(pair, { part: [least, 5], complete: [least, 5], good: [least, 5] });
    const refused = { kind: 'error', status: 400, code: 'InvalidRequest', message: 'Not so.' } as const;
    const refreshed = await pair.refresh(async () => {
      await strike(
        { operation: route === 'stream' ? 'UploadPart' : 'UploadPartCopy', key: 'part' },
        { ...refused, skip: 1 },
      );
      await strike({ operation: 'CompleteMultipartUpload', key: 'complete' }, refused);
    });
    await expectFailed(pair, refreshed, ['part', 'complete']);
    expect(refreshed.failed['part']).toContain('Not so.');
    expect(await uploadsOf(pair)).toEqual([]);
    const target = await pair.contents('target');
    expect(Object.keys(target)).toEqual(['complete', 'good']);
    expect(target['complete']).toMatchObject({ sizeBytes: 6 });
  });

  told(
    `Ctrl-C in the middle of an upload aborts it, soon, and the next run copies what is missing, by the route ${route}`,
    async () => {
      const pair = await arrange();
      await seed(pair, { interrupted: [least, least, least] });
      await pair.put('small', 'x');
      const operation = route === 'stream' ? 'UploadPart' : 'UploadPartCopy';
      await strike({ operation }, { kind: 'delay', delayMs: 20_000, skip: 1 });
      const running = pair.shell.begin('sync', '--yes');
      await expect.poll(() => uploadsOf(pair), { timeout: 20_000 }).toEqual(['interrupted']);
      await sleep(200);
      const begun = performance.now();
      running.signal('SIGINT');
      const { code, stderr } = await running.ended;
      expect(performance.now() - begun).toBeLessThan(8000); // a part would have taken twenty seconds
      expect(code, stderr).toBe(130);
      expect(await uploadsOf(pair)).toEqual([]);
      expect(await pair.contents('target')).not.toHaveProperty('interrupted');
      await aws().clearFaults();
      await expectAllCopied(pair, await pair.refresh());
    },
  );
}

async function uploadsOf({ to }: Pair): Promise<readonly (string | undefined)[]> {
  const { Uploads = [] } = await store.target.client.send(new ListMultipartUploadsCommand({ Bucket: to }));
  return Uploads.map(({ Key }) => Key);
}

/** The same store, but for one header: like many, it does not say in how many parts an object came. */
async function silentProxy(endpoint: string): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      const { 'x-amz-mp-parts-count': _parts, ...kept } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 500, kept);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`, // of a TCP server
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
