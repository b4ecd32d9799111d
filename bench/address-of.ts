import type { Address } from '../src/postgres/session.ts';

/** A URL of a bench's server, as a session takes it. */
export function addressOf(url: string): Address {
  const { hostname, port, pathname, username, password } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    password: decodeURIComponent(password),
    tls: 'disable',
  };
}
