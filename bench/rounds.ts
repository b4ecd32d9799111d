import { difference, readShape } from './shape.ts';
import type { Contender } from './contenders.ts';
import { measure, type Measured } from './measure.ts';
import { makeFresh, type Ground } from './servers.ts';

/** What each contender cost in each round. */
export type Rounds = ReadonlyMap<Contender, readonly Measured[]>;

/**
 * Lets each contender copy the source into an empty database, round after round: another one begins each round.
 * Throws where a copy is not like its source.
 */
export async function race(ground: Ground, contenders: readonly Contender[], rounds: number): Promise<Rounds> {
  const found = new Map<Contender, Measured[]>(contenders.map((contender) => [contender, []]));
  const wanted = await readShape(ground.source.adminUrl('production'));
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(round + place) % contenders.length];
      if (!contender) continue;
      const measured = await runOnce(ground, contender);
      const different = difference(wanted, await readShape(ground.target.adminUrl('peer')));
      if (different.length > 0) throw new Error(`${contender.name} left something out: ${different.join('; ')}`);
      found.get(contender)?.push(measured);
      console.log(
        `round ${round + 1} of ${rounds}: ${measured.wallSeconds.toFixed(2).padStart(6)} s  ${contender.name}`,
      );
    }
  }
  return found;
}

/** One run on an empty database. */
export async function runOnce(ground: Ground, contender: Contender): Promise<Measured> {
  await makeFresh(ground);
  return measure(ground, await contender.prepare(ground));
}
