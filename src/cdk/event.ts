import { invocationSchema, RestageError, type InvocationInput } from '../index.ts';

/** What the function is asked to do; `{}` is a sync of the database. */
export type RestageEvent = InvocationInput;

/** The event as it is sent. Throws `event-invalid`: what the function would refuse at night is refused here. */
export function readEvent(event: RestageEvent, path: string): RestageEvent {
  const parsed = invocationSchema.safeParse(event);
  if (parsed.success) return event;
  const problems = parsed.error.issues.map(
    ({ path: at, message }) => `  ${at.map(String).join('.') || 'event'}: ${message}`,
  );
  throw new RestageError('event-invalid', `${path}: the function would refuse this event:\n${problems.join('\n')}`);
}
