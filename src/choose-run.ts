import { RestageError } from './errors.ts';
import { nearest } from './nearest.ts';

/** So many runs are named where it is not clear which is meant. */
const told = 5;

/**
 * The run that is called so, by all of its id or by the beginning of it. `runs`: those of a place, newest first. Throws `run-missing`
 * with those that may have been meant.
 */
export function chooseRun(name: string, runs: readonly string[], place: string): string {
  const [run, ...others] = runs.includes(name) ? [name] : runs.filter((one) => one.startsWith(name));
  if (run === undefined)
    throw new RestageError('run-missing', `there is no run ${name} under ${place}`, { hint: near(name, runs) });
  if (others.length > 0)
    throw new RestageError('run-missing', `${others.length + 1} runs under ${place} begin with ${name}`, {
      hint: `Which: ${[run, ...others].slice(0, told).join(', ')}${others.length >= told ? ', …' : ''}?`,
    });
  return run;
}

/** The one that may have been meant, or else the newest. */
function near(name: string, runs: readonly string[]): string {
  const likely = nearest(name, runs);
  return likely === undefined ? `The newest: ${runs.slice(0, told).join(', ')}.` : `Did you mean ${likely}?`;
}
