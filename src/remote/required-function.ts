import type { Config } from '../config.ts';
import { RestageError } from '../errors.ts';

/** The function that a target names. Throws `usage` where it names none. */
export function requireFunction({
  target: { lambda, name },
}: Pick<Config, 'target'>): NonNullable<Config['target']['lambda']> {
  if (lambda) return lambda;
  throw new RestageError('usage', `--on lambda needs a function, and the config names none for ${name}`, {
    hint: 'Add to restage.yaml: target: { lambda: { function: NAME, runs: s3://BUCKET/PREFIX } }',
  });
}
