import { check, type CheckOptions, type Finding } from '../check.ts';
import { lookIn } from '../check/finding.ts';
import type { Config } from '../config.ts';
import { failureOf, RestageError } from '../errors.ts';
import { askFunction, reportIn } from './ask-function.ts';
import { requireUnattended } from '../unattended.ts';
import { openFunction } from './remote-function.ts';

export interface LambdaCheckOptions extends CheckOptions {
  /** `printOfConfig` of the configuration's file. */
  readonly configPrint: string;
}

/** What is right and what is not, from both places. */
export interface LambdaFindings {
  /** From here: accounts, buckets (with `only: 'objects'` the applications too), the function and the place of its runs. */
  readonly here: readonly Finding[];
  /** By the function itself; absent where it gave no answer, which a row of `here` says. */
  readonly there?: { readonly name: string; readonly findings: readonly Finding[] };
}

/**
 * Looks at everything that a refresh with the function relies on, from where it is used: the databases by the function, which is invoked
 * for that, buckets and the function from here. Throws `interrupted` only, and `usage` where the config names no function.
 */
export async function checkOnLambda(config: Config, options: LambdaCheckOptions): Promise<LambdaFindings> {
  const { configPrint, profileFiles, signal, only } = options;
  if (!config.target.lambda) await openFunction(config, { configPrint }); // which says what is missing
  const ask = async () => {
    using remote = await openFunction(config, { configPrint, profileFiles, signal });
    const answer = await askFunction(remote, { action: 'check', only: 'database' }, signal);
    const { findings } = (await reportIn(remote, answer)) as { readonly findings: readonly Finding[] }; // the function's own
    return { name: remote.name, findings };
  };
  const asked = only === 'objects' ? undefined : ask().catch((error: unknown) => failureOf(error));
  const found = await check(config, { ...options, only: 'objects', onLambda: true });
  const here = found.filter(
    ({ group }) =>
      !(group === 'objects' && only === 'database') &&
      // The function asks the applications, which may not be reached from here.
      !(group === 'app' && only !== 'objects'),
  );
  const answer = await asked;
  if (signal?.aborted) throw new RestageError('interrupted', 'the check was interrupted');
  if (!answer) return { here };
  const look = lookIn('lambda');
  const isTold = 'code' in answer && here.some((row) => row.verdict === 'wrong' && row.found === answer.message);
  const rows = [
    ...(isTold
      ? []
      : [
          await look('target.lambda.function answer', '', async () => {
            if ('code' in answer) throw new RestageError(answer.code, answer.message, { hint: answer.hint });
            return 'it answers, and its configuration is the same as here';
          }),
        ]),
    await look('target.lambda.function alone', '', async () => {
      requireUnattended(config, { only: 'database', by: 'function' });
      return 'the config says what it may replace without anybody who types a name';
    }),
  ];
  const all = withRows(here, rows);
  return 'code' in answer ? { here: all } : { here: all, there: answer };
}

/** Beside the other rows of the function. */
function withRows(findings: readonly Finding[], rows: readonly Finding[]): readonly Finding[] {
  const at = findings.findLastIndex(({ group }) => group === 'lambda') + 1;
  return at === 0 ? [...findings, ...rows] : findings.toSpliced(at, 0, ...rows);
}
