import { handler } from '../src/lambda/index.ts';
import type { Delivery } from './lambda-scene.ts';

// The sources' own function in a process of its own, as a runtime would start it: the environment is its own, and stays warm.

process.on('message', (message) => {
  const { id, event, timeoutMs, context } = message as Delivery; // the scene sends nothing else
  const endsAt = Date.now() + timeoutMs;
  const answered = handler(event, { ...context, getRemainingTimeInMillis: () => endsAt - Date.now() });
  void answered.then((response) => process.send?.({ id, response }));
});
process.on('disconnect', () => process.exit());
