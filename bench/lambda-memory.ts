import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { fill } from './fill.ts';
import { table } from './figures.ts';
import { startFunction } from './function-process.ts';
import { describeGround, makeFresh, startGround } from './servers.ts';
import { describeDatabase } from './shape.ts';
import { shop } from './shop.ts';

const mebibytesOfFunction = 512;

/** The memory of the function's process: of a refresh of a large database, and of a second one in the same process. */
export async function memoryOf(bundle: string, scale: number, parent?: string): Promise<string> {
  await using ground = await startGround(parent);
  await fill(ground.source, shop(scale));
  const config = {
    version: 1,
    source: { name: 'production', database: { url: ground.source.adminUrl('production') } },
    target: { name: 'staging', database: { url: ground.target.adminUrl('peer') } },
  };
  await writeFile(join(bundle, 'restage.yaml'), stringify(config), { mode: 0o600 });
  await makeFresh(ground);
  await using running = await startFunction(bundle, {});
  const lines: string[][] = [];
  for (const [name, action] of [
    ['a plan', 'plan'],
    ['a refresh', 'sync'],
    ['another one, in the same process', 'sync'],
  ] as const) {
    const startedAt = performance.now();
    const { statusCode, peakMiB, answer } = await running.invoke({ action });
    if (statusCode !== 200) throw new Error(`${name} failed: ${answer}`);
    lines.push([name, ((performance.now() - startedAt) / 1000).toFixed(1), peakMiB.toFixed(0)]);
  }
  const most = Number(lines.at(-1)?.at(-1));
  return [
    describeGround(ground),
    `source: ${await describeDatabase(ground.source.adminUrl('production'))}\n`,
    table([['in one process', 's', 'peak MiB until then'], ...lines]),
    `\n${((100 * most) / mebibytesOfFunction).toFixed(0)} % of a function of ${mebibytesOfFunction} MB`,
  ].join('\n');
}
