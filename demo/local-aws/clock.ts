// One for the whole server, which has a thread of its own.
let offsetMs = 0;
let second = Number.NaN;
let httpDate = '';

/** Sets the server's clock so much ahead of the machine's. */
export function setClock(aheadMs: number): void {
  offsetMs = aheadMs;
}

/** The server's time, in milliseconds since 1970. */
export const currentTime = (): number => Date.now() + offsetMs;

/** The same for the header `date`. */
export function currentHttpDate(): string {
  const now = Math.floor(currentTime() / 1000);
  if (now !== second) httpDate = new Date(now * 1000).toUTCString();
  second = now;
  return httpDate;
}
