import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

/** Every address of a host, each in one spelling; none where its name is not known, which whoever connects is told. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    const found = await lookup(bare(host), { all: true });
    return found.map(({ address }) => plainAddress(address));
  } catch {
    return [];
  }
}

/** Whether two hosts have an address in common. */
export async function shareAddress(one: string, other: string): Promise<boolean> {
  const [mine, theirs] = await Promise.all([addressesOf(one), addressesOf(other)]);
  return mine.some((address) => theirs.includes(address));
}

/** A host's name in one spelling: the dot of DNS's root says nothing, nor do capitals. */
export function plainHost(host: string): string {
  return bare(host).toLowerCase().replace(/\.$/, '');
}

/** One spelling of what leads to one place: an IPv4 address in IPv6's dress, and this machine by either protocol. */
export function plainAddress(address: string): string {
  if (!isIPv6(address)) return address === '0.0.0.0' ? loopback : address;
  const short = bare(new URL(`http://[${address.replace(/%.*/, '')}]`).hostname);
  if (short === '::1' || short === '::') return loopback;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const bytes = [high, low].flatMap((part) => {
    const value = Number.parseInt(part, 16);
    return [value >> 8, value & 0xff];
  });
  return plainAddress(bytes.join('.'));
}

const loopback = '127.0.0.1';

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
