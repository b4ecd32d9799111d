import { failureOf, invokeFunction, openAccount, type Failure, type InvocationInput } from '../index.ts';
import type { Task } from './task.ts';

/** The event of a run's next part: what the first one said holds for all of them. */
function nextEvent(
  { invocation, settings: { print } }: Pick<Task, 'invocation' | 'settings'>,
  runId: string,
): InvocationInput {
  const { only, config, notify } = invocation;
  return {
    action: 'sync',
    runId,
    // Another configuration would go on with another plan.
    configPrint: print,
    ...(only === 'database' ? {} : { only }),
    ...(config === undefined ? {} : { config }),
    ...(notify ? {} : { notify }),
  };
}

/** Asks for a run's next part, of this same function. Why it could not be asked for, with what to send by hand; undefined where it was. */
export async function askForNext(task: Task, runId: string): Promise<Failure | undefined> {
  const { context, settings, log, deadline } = task;
  const { functionName, functionVersion = '$LATEST' } = context;
  const name = functionVersion === '$LATEST' ? functionName : `${functionName}:${functionVersion}`;
  const event = nextEvent(task, runId);
  try {
    // The function's own role: that of the target's end may be another, in another account.
    const account = await openAccount({ ambient: true, endpoints: settings.config.target.aws?.endpoints });
    await invokeFunction(account, name, event, {
      kind: 'event',
      timeoutMs: Math.max(3000, deadline.endsAt - Date.now() - 5000),
    });
    log.write({ kind: 'next-part-asked-for', function: name, event });
    return undefined;
  } catch (error) {
    const failure = failureOf(error);
    const payload = JSON.stringify(event).replaceAll("'", String.raw`\u0027`); // it ends no text of a shell
    const send = `aws lambda invoke --function-name ${name} --invocation-type Event --cli-binary-format raw-in-base64-out --payload '${payload}' /dev/null`;
    return {
      ...failure,
      message: `the run ${runId} has paused, and its next part could not be asked for: ${failure.message}`,
      hint: `It waits, and nothing is lost: ${send}${failure.hint === undefined ? '' : `\n  So that it goes on by itself: ${failure.hint}`}`,
    };
  }
}
