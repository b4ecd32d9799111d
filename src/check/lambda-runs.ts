import { isOfAws } from '../config-end.ts';
import { openRunStore } from '../remote/run-store.ts';
import { accountOf } from './account.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { lookIn, within, type Finding } from './finding.ts';

/** No run was ever called so: asking for it shows whether one could be read. */
const noRun = '00000000-000000-0000';

/** Where the function keeps its runs: by itself as it writes them, from here as they are read. */
export function runsRows(end: CheckedEnd, { config, signal, inFunction }: CheckContext): Promise<Finding>[] {
  const place = config.target.lambda?.runs;
  if (!config.target.lambda) return [];
  return [
    lookIn('lambda')('target.lambda.runs', place ?? '', async () => {
      if (place === undefined)
        return {
          found: 'not set: a run is waited for without progress, and does not go on in a second invocation',
          verdict: 'note',
          fix: "A place in the target's account: target: { lambda: { runs: s3://BUCKET/PREFIX } }",
        };
      const account = await accountOf(end);
      using runs = openRunStore(account, place);
      if (inFunction) {
        await within('S3', signal, () => runs.tryOut(), 15_000);
        return 'the function can write, read and list runs there';
      }
      await within('S3', signal, () => runs.states.read(noRun), 15_000);
      return 'runs can be read from here';
    }),
  ];
}

/** How the function gets to a source in another account, where nothing says it. */
export function sourceRoleRows(
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  { config }: CheckContext,
): Promise<Finding>[] {
  const { aws, database } = config.source;
  const isReached = aws && database && isOfAws(database);
  if (!config.target.lambda || !isReached || aws.onLambda) return [];
  return [
    lookIn('lambda')('source.aws.onLambda', '', async () => {
      const [source, target] = await Promise.all([accountOf(ends.source), accountOf(ends.target)]);
      if (source.id === target.id) return "not needed: the function's own role is of the source's account";
      return {
        found: `the source is in account ${source.id ?? 'unknown'}, and the function, in ${target.id ?? 'unknown'}, takes on no role for it`,
        verdict: 'note',
        fix: 'Its own role must then be allowed there, secret, key and all; or a role of that account: source: { aws: { onLambda: { assumeRole: { role: ARN } } } }',
      };
    }),
  ];
}
