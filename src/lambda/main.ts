import { handler } from './handler.ts';
import { taskContext } from './task-context.ts';

// The function as a program, for a task of Fargate or any container: an event, the answer, an exit code. What is no JSON goes to the
// handler as it is, which says what it expects.
const event = process.argv[2] ?? (process.env['RESTAGE_EVENT'] || '{}');
const response = await handler(parsed(event), await taskContext(process.env));
process.stdout.write(`${JSON.stringify(response)}\n`);
process.exitCode = response.exitCode;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
