import { RestageError } from '../errors.ts';
import type { Perform } from './context.ts';

/** Large objects, which no table holds. */
export const largeObjectSteps: Perform<'copy-large-objects'> = {
  'copy-large-objects': () => {
    throw new RestageError('internal', 'copy-large-objects is not planned yet');
  },
};
