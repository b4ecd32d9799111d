import { RestageError } from '../errors.ts';
import type { Perform } from './context.ts';

/** That the keys which rows name are those of objects in the target. */
export const referenceSteps: Perform<'verify-references'> = {
  'verify-references': async () => {
    throw new RestageError('internal', 'verify-references');
  },
};
