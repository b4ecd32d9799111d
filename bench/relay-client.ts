import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from, to } from 'pg-copy-streams';
import { relayCopy } from '../src/postgres/copy-relay.ts';
import { openSession } from '../src/postgres/session.ts';
import { addressOf } from './address-of.ts';

/** What one client says of its copy, as a line of JSON: the process's CPU from the first byte to the commit. */
export interface RelayCost {
  readonly rows: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

const read = `copy public.narrow to stdout (format binary)`;
const write = `copy public.narrow from stdin (format binary, freeze)`;
const empty = `begin; truncate only public.narrow`;

const [way, source = '', target = ''] = process.argv.slice(2);
console.log(JSON.stringify(way === 'restage' ? await byRestage() : await byStreams()));

async function byRestage(): Promise<RelayCost> {
  await using reader = await openSession(addressOf(source), { access: 'read-only', label: 'bench' });
  await using writer = await openSession(addressOf(target), { access: 'read-write', label: 'bench' });
  await writer.execute(empty);
  return await timed(async () => {
    const { rows } = await relayCopy(reader, writer, { read, write });
    await writer.execute('commit');
    return rows;
  });
}

async function byStreams(): Promise<RelayCost> {
  const reader = new Client({ connectionString: source });
  const writer = new Client({ connectionString: target });
  await Promise.all([reader.connect(), writer.connect()]);
  await writer.query('set synchronous_commit = off');
  await writer.query(empty);
  const cost = await timed(async () => {
    const sink = writer.query(from(write));
    await pipeline(reader.query(to(read)), sink);
    await writer.query('commit');
    return sink.rowCount ?? 0;
  });
  await Promise.all([reader.end(), writer.end()]);
  return cost;
}

async function timed(copy: () => Promise<number>): Promise<RelayCost> {
  const started = performance.now();
  const before = process.cpuUsage();
  const rows = await copy();
  const { user, system } = process.cpuUsage(before);
  return { rows, wallSeconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 };
}
