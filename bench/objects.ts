import { productionObjects } from '../examples/bluemoxon/objects.ts';
import { spread } from './figures.ts';
import type { BenchOptions } from './main.ts';
import { presentObjects, rclone, restage, type ObjectContender } from './object-contenders.ts';
import { against, measureObjects, objectCosts, ratioOf, type ObjectRun } from './object-figures.ts';
import {
  describeObjectGround,
  dropBucket,
  makeBucket,
  readBucket,
  requireSame,
  startObjectGround,
} from './object-ground.ts';

/** A copy into an empty bucket, and then what runs on the filled one with nothing left to do. */
interface Passes {
  readonly copy: ObjectContender;
  readonly again: readonly ObjectContender[];
}

const transfers = ['copy', '--transfers', '32', '--checkers', '32'];
const peer: Passes = {
  copy: rclone('rclone --transfers 32, copy', transfers),
  again: [
    rclone('rclone --transfers 32, no-op', transfers),
    rclone('rclone --checksum --fast-list, no-op', [...transfers, '--checksum', '--fast-list']),
  ],
};
const ours: Passes = {
  copy: restage('restage, copy', ['sync', '--yes']),
  again: [restage('restage, no-op', ['sync', '--yes'])],
};

const limits = { copy: 1, again: 0.25, requests: 12 };

/** 4,709 objects of 1.7 GB between two servers with different keys. */
export async function benchObjects({ rounds = 5, scale, folder, only }: BenchOptions): Promise<void> {
  await using ground = await startObjectGround(folder);
  const objects = sample(scale);
  const bytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await ground.source.server.createBucket({ name: 'source', account: ground.source.account.id });
  await ground.source.server.seedObjects('source', objects);
  const wanted = await readBucket(ground.source, 'source');
  console.log(describeObjectGround());
  console.log(
    `source: ${wanted.size.toLocaleString('en')} objects, ${(bytes / 1e9).toFixed(2)} GB, log-normal sizes\n`,
  );

  const present = presentObjects([peer.copy, ours.copy], only);
  const contenders = [peer, ours].filter(({ copy }) => present.includes(copy));
  const found = new Map<string, ObjectRun[]>();
  const run = async (contender: ObjectContender, target: string, round: number) => {
    const measured = await measureObjects(ground, contender, { source: 'source', target });
    found.set(contender.name, [...(found.get(contender.name) ?? []), measured]);
    const seconds = measured.wallSeconds.toFixed(2).padStart(6);
    console.log(`round ${round + 1} of ${rounds}: ${seconds} s  ${contender.name}`);
  };
  for (let round = 0; round < rounds; round++)
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(round + place) % contenders.length];
      if (!contender) continue;
      const target = `target-${round}-${place}`;
      await makeBucket(ground.target, target);
      await run(contender.copy, target, round);
      requireSame(contender.copy.name, wanted, await readBucket(ground.target, target));
      for (const again of contender.again) await run(again, target, round);
      requireSame(contender.copy.name, wanted, await readBucket(ground.target, target));
      await dropBucket(ground.target, target);
    }
  const passes = new Map(
    [peer, ours]
      .flatMap(({ copy, again }) => [copy, ...again])
      .flatMap(({ name }) => {
        const runs = found.get(name);
        return runs ? [[name, runs] as const] : [];
      }),
  );
  console.log(`\n${objectCosts(passes)}\n`);
  const [again] = ours.again;
  const [plain, quick] = peer.again;
  if (!again || !plain || !quick) return;
  if (contenders.length === 2) {
    console.log(
      `copy, restage : rclone, wall: ${against(ratioOf(passes, ours.copy.name, peer.copy.name), limits.copy)}`,
    );
    console.log(`no-op, restage : rclone, wall: ${against(ratioOf(passes, again.name, plain.name), limits.again)}`);
    console.log(
      `no-op, restage : rclone --checksum --fast-list, wall: ${spread(ratioOf(passes, again.name, quick.name))}`,
    );
  }
  const last = found.get(again.name);
  if (last)
    console.log(
      `no-op, requests: ${against(
        last.map(({ sourceRequests, targetRequests }) => sourceRequests + targetRequests),
        limits.requests,
        0,
      )} (${last.at(-1)?.operations})`,
    );
}

/**
 * Production's objects. What rclone cannot copy is taken out of their keys: it takes them for paths, without doubled
 * or last slashes, and for text, where an accent may be a character of its own.
 */
function sample(scale: number): ReturnType<typeof productionObjects> {
  const all = productionObjects({ full: true }).map((object) => ({
    ...object,
    key: object.key.replaceAll('//', '/').replace(/\/$/, '').replaceAll('\u{301}', ''),
  }));
  return all.slice(0, Math.max(1, Math.round(all.length * scale)));
}
