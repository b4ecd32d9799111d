/** A signal that Ctrl-C or SIGTERM aborts. The first ends the work and puts things back; the third ends the process. */
export function interruptible(tell: (text: string) => void): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  let times = 0;
  const onSignal = () => {
    times += 1;
    if (times === 1) {
      tell('interrupted: stopping …');
      controller.abort();
    } else if (times === 2) tell('still putting things back; once more ends at once and leaves that to the next run');
    else process.exit(130);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
