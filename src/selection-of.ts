import { usualObjects } from './config-objects.ts';
import type { Config } from './config.ts';
import type { Selection } from './s3/selection.ts';

/** Which keys of a pair count, as the config has it. */
export function selectionOf(config: Pick<Config, 'objects'>, bucket: string): Selection {
  const { prefix, include, exclude, renames, backup } = config.objects[bucket] ?? usualObjects;
  return {
    ...(prefix === undefined ? {} : { prefix }),
    include,
    exclude,
    renames,
    ...(backup === undefined ? {} : { backup }),
  };
}
