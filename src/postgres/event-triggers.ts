import { quoteName } from './names.ts';
import type { Session } from './session.ts';

const states: Readonly<Record<string, string>> = { O: 'enable', R: 'enable replica', A: 'enable always' };

/**
 * Does some work without waking the event triggers that came with a clone: they may write rows, or refuse. What fails
 * leaves them disabled, in a database that is dropped then. Changing an event trigger wakes none itself. Those that
 * belong to somebody else, as a managed server's extensions may make them, stay awake: this role could not change them.
 */
export async function withoutEventTriggers<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const found = await session.rows<{ name: string; enabled: string }>(
    `select evtname as name, evtenabled as enabled
       from pg_event_trigger
      where evtenabled <> 'D' and pg_has_role(evtowner, 'usage')`,
  );
  const alter = async (how: (enabled: string) => string | undefined) => {
    for (const { name, enabled } of found)
      await session.execute(`alter event trigger ${quoteName(name)} ${how(enabled)}`);
  };
  await alter(() => 'disable');
  const result = await work();
  await alter((enabled) => states[enabled]);
  return result;
}
