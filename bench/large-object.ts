import type { BenchOptions } from './main.ts';
import { median } from './figures.ts';
import { presentObjects, rclone, restage } from './object-contenders.ts';
import { measureObjects, objectCosts, type ObjectRun } from './object-figures.ts';
import { describeObjectGround, dropBucket, makeBucket, readBucket, startObjectGround } from './object-ground.ts';

const MiB = 2 ** 20;
const fullBytes = 6e9;
const contenders = [
  rclone('rclone copy', ['copy', '--transfers', '32', '--checkers', '32']),
  restage('restage sync', ['sync', '--yes']),
];

/** One object of 6 GB, uploaded in parts of 8 or of 64 MiB, to the other server. */
export async function benchLargeObject({ rounds = 1, scale, folder, only }: BenchOptions): Promise<void> {
  await using ground = await startObjectGround(folder);
  const sizeBytes = Math.max(1, Math.round(fullBytes * scale));
  console.log(describeObjectGround());
  for (const part of [8, 64]) {
    const source = `parts-of-${part}`;
    await ground.source.server.createBucket({ name: source, account: ground.source.account.id });
    const partSizes = sizesOf(sizeBytes, part * MiB);
    await ground.source.server.seedObjects(source, [{ key: 'large.tif', sizeBytes, seed: part, partSizes }]);
    const wanted = await readBucket(ground.source, source);
    console.log(`\n${(sizeBytes / 1e9).toFixed(2)} GB in ${partSizes.length} parts of ${part} MiB\n`);
    const all = presentObjects(contenders, only);
    const found = new Map<string, ObjectRun[]>(all.map(({ name }) => [name, []]));
    const notes = new Map<string, string>();
    for (let round = 0; round < rounds; round++)
      for (let place = 0; place < all.length; place++) {
        const contender = all[(round + place) % all.length];
        if (!contender) continue;
        const target = `target-${part}-${round}-${place}`;
        await makeBucket(ground.target, target);
        found.get(contender.name)?.push(await measureObjects(ground, contender, { source, target }));
        const got = (await readBucket(ground.target, target)).get('large.tif') ?? 'missing';
        // rclone chooses parts of its own: only the size can be the same.
        if (!got.startsWith(`${sizeBytes} bytes`)) throw new Error(`${contender.name} left ${got}`);
        notes.set(contender.name, got === wanted.get('large.tif') ? 'the same ETag' : `another ETag: ${got}`);
        await dropBucket(ground.target, target);
      }
    console.log(objectCosts(found));
    for (const [name, runs] of found) {
      const rate = median(runs.map((run) => sizeBytes / 1e6 / run.wallSeconds));
      console.log(`${name}: ${rate.toFixed(0)} MB/s, ${notes.get(name)}; ${runs.at(-1)?.operations}`);
    }
  }
}

function sizesOf(sizeBytes: number, partBytes: number): readonly number[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) =>
    Math.min(partBytes, sizeBytes - index * partBytes),
  );
}
