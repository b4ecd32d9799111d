import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { plainHost, shareAddress } from './host-addresses.ts';
import type { Address } from './postgres/session.ts';

/**
 * Throws `target-is-source` where both ends' names can be seen to lead to one database: one host by one name, or by two
 * names of one address. What only the servers know, behind a pooler or a forwarder, the plan asks them.
 */
export async function refuseSameDatabase(
  config: Pick<Config, 'source' | 'target'>,
  source: Address | undefined,
  target: Address | undefined,
): Promise<void> {
  if (!source || !target || source.port !== target.port || source.database !== target.database) return;
  // One name may mean two places where two forwarders begin.
  const [ours, theirs] = [config.source, config.target].map(({ database }) => JSON.stringify(database?.via?.command));
  if (ours !== theirs) return;
  const place = ({ host, port, database }: Address) => `${host.toLowerCase()}:${port}/${database}`;
  const hint = 'target.database in restage.yaml, or the secret that it names, leads to the source.';
  if (plainHost(source.host) === plainHost(target.host))
    throw new RestageError('target-is-source', `both ends are the same database: ${place(source)}`, { hint });
  // One address may stand before many servers, which TLS tells apart by the name that it is given.
  if (source.tls !== 'disable' && target.tls !== 'disable') return;
  if (await shareAddress(source.host, target.host))
    throw new RestageError(
      'target-is-source',
      `both ends are the same database, by two names of one address: ${place(source)} and ${place(target)}`,
      { hint },
    );
}
