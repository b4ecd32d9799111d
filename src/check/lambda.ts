import type { FunctionFacts } from '../aws/lambda.ts';
import { mebibytes, timeOut } from '../report/format.ts';
import { accountOf } from './account.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { lookIn, within, type Finding, type Seen } from './finding.ts';
import { runsRows, sourceRoleRows } from './lambda-runs.ts';

/** The function as it describes itself, and where it keeps its runs. It is not invoked. */
export function lambdaRows(
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  context: CheckContext,
): Promise<Finding>[] {
  const { config, signal, onLambda, inFunction } = context;
  const end = ends.target;
  const name = config.target.lambda?.function;
  if (name === undefined) return [];
  if (inFunction) return runsRows(end, context);
  const look = lookIn('lambda');
  return [
    look('target.lambda.function', name, async () => {
      const opened = await accountOf(end);
      const { readFunction } = await import('../aws/lambda.ts');
      const facts = await within('Lambda', signal, (ended) => readFunction(opened, name, ended), 15_000);
      return functionSeen(facts, opened.flags, config.target.lambda?.runs !== undefined);
    }),
    ...(onLambda
      ? [
          look('target.lambda.function invoke', '', async () => {
            const opened = await accountOf(end);
            const { invokeFunction } = await import('../aws/invoke.ts');
            await within('Lambda', signal, (ended) =>
              invokeFunction(opened, name, {}, { kind: 'dry-run', signal: ended }),
            );
            return 'it may be invoked from here';
          }),
        ]
      : []),
    ...runsRows(end, context),
    ...sourceRoleRows(ends, context),
  ];
}

/** What a function can be given at most. */
const longestSeconds = 900;

/** `flags`: of AWS's own command. */
function functionSeen(facts: FunctionFacts, flags: string, keepsRuns: boolean): Seen {
  const { timeoutSeconds, memoryBytes, runtime, state, stateReason, vpcId } = facts;
  const found = [
    `time-out ${timeoutSeconds === undefined ? 'unknown' : timeOut(timeoutSeconds)}`,
    `memory ${memoryBytes === undefined ? 'unknown' : mebibytes(memoryBytes)}`,
    runtime,
    vpcId === undefined ? 'in no VPC' : `in ${vpcId}`,
  ]
    .filter(Boolean)
    .join(', ');
  if (state !== undefined && state !== 'Active' && state !== 'Inactive')
    return {
      found: `${found}; its state is ${state}${stateReason === undefined ? '' : `: ${stateReason}`}`,
      verdict: 'wrong',
      fix: 'It cannot be invoked until it is active: deploy it again, or wait where it is pending.',
    };
  if (timeoutSeconds === undefined || timeoutSeconds >= longestSeconds) return found;
  return {
    found,
    verdict: 'note',
    fix: `A run that takes longer ${keepsRuns ? 'goes on in further parts, and each compares anew what was loaded before' : 'stops in time, and fails'}. The longest is ${longestSeconds} s: aws lambda update-function-configuration ${flags} --function-name ${facts.name} --timeout ${longestSeconds}`,
  };
}
