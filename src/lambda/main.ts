// The function as a program, for a task of Fargate or any container: an event, the answer, an exit code. What is no JSON goes to the
// handler as it is, which says what it expects.
// A fault that nobody has caught has an exit code that no answer has: an alarm knows by it that nothing was told. It listens before
// anything else is loaded, which may be what fails.
const faultCode = 70; // EX_SOFTWARE of sysexits.h
let traceOf: (error: unknown) => string = String;
process.on('uncaughtException', (error) => {
  process.stderr.write(`${traceOf(error)}\n`);
  process.exit(faultCode);
});
const restage = await import('../index.ts');
({ traceOf } = restage);
const { handler } = await import('./handler.ts');
const { taskContext } = await import('./task-context.ts');

const event = process.argv[2] ?? (process.env['RESTAGE_EVENT'] || '{}');
const stopped = new AbortController();
const stop = () =>
  stopped.abort(
    new restage.RestageError('interrupted', 'the task was stopped', { hint: 'Whoever stopped it, or ECS, says why.' }),
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
