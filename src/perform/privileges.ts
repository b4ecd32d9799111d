import { RestageError } from '../errors.ts';
import type { Perform } from './context.ts';

/** Owners and grants: as staging has them. */
export const privilegeSteps: Perform<'set-privileges'> = {
  'set-privileges': () => {
    throw new RestageError('internal', 'set-privileges is not planned yet');
  },
};
