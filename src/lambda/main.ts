import { RestageError, traceOf } from '../index.ts';
import { handler } from './handler.ts';
import { taskContext } from './task-context.ts';

// The function as a program, for a task of Fargate or any container: an event, the answer, an exit code. What is no JSON goes to the
// handler as it is, which says what it expects.
// A fault that nobody has caught has an exit code that no answer has: an alarm knows by it that nothing was told.
const faultCode = 70; // EX_SOFTWARE of sysexits.h
process.on('uncaughtException', (error) => {
  process.stderr.write(`${traceOf(error)}\n`);
  process.exit(faultCode);
});

const event = process.argv[2] ?? (process.env['RESTAGE_EVENT'] || '{}');
const stopped = new AbortController();
const stop = () =>
  stopped.abort(
    new RestageError('interrupted', 'the task was stopped', { hint: 'Whoever stopped it, or ECS, says why.' }),
  );
// Two minutes later ECS ends it for good, as the construct has it: it is time enough to put back what was there.
process.once('SIGTERM', stop).once('SIGINT', stop);
const context = { ...(await taskContext(process.env)), signal: stopped.signal };
const response = await handler(parsed(event), context);
process.stdout.write(`${JSON.stringify(response)}\n`);
process.exitCode = response.exitCode;
process.off('SIGTERM', stop).off('SIGINT', stop);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
