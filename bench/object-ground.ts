import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { stringify } from 'yaml';
import { type Account, type LocalAws, startLocalAws } from '../demo/local-aws/local-aws.ts';
import { childProcesses, processCpuSeconds } from './process-cpu.ts';

/** One account with a server that knows no other. */
export interface ObjectEnd {
  /** In a process of its own, as another machine's would be. */
  readonly server: LocalAws;
  readonly cpuSeconds: () => Promise<number>;
  readonly account: Account;
  readonly client: S3Client;
}

/** Two servers with different keys, and a folder: what a comparison of buckets stands on. */
export interface ObjectGround extends AsyncDisposable {
  readonly source: ObjectEnd;
  readonly target: ObjectEnd;
  /** For configurations, reports and the servers' bodies. */
  readonly folder: string;
  /** Of each server's process, since its start. */
  serversCpu(): Promise<{ readonly source: number; readonly target: number }>;
}

const region = 'us-west-2';
const accounts: Readonly<Record<'source' | 'target', Account>> = {
  source: { id: '111111111111', accessKeyId: 'AKIABENCHSOURCE', secretAccessKey: 'reading', user: 'bench-source' },
  target: { id: '222222222222', accessKeyId: 'AKIABENCHTARGET', secretAccessKey: 'writing', user: 'bench-target' },
};

export async function startObjectGround(parent: string = tmpdir()): Promise<ObjectGround> {
  const folder = await mkdtemp(join(parent, 'restage-bench-'));
  // The servers end with this process; what they have written goes here.
  const leave = () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
  const start = async (name: 'source' | 'target'): Promise<ObjectEnd> => {
    const account = accounts[name];
    await mkdir(join(folder, name));
    const before = await childProcesses();
    const server = await startLocalAws({ accounts: [account], folder: join(folder, name), region }, 'process');
    const id = (await childProcesses()).find((child) => !before.includes(child));
    const client = new S3Client({ endpoint: server.endpoint, region, forcePathStyle: true, credentials: account });
    return { server, account, client, cpuSeconds: () => processCpuSeconds(id) };
  };
  try {
    // One after the other, to know whose process is whose.
    const source = await start('source');
    const target = await start('target');
    await writeProfiles(folder);
    await writeFile(join(folder, 'rclone.conf'), remote('source', source) + remote('target', target), { mode: 0o600 });
    return {
      source,
      target,
      folder,
      serversCpu: async () => ({
        source: await source.cpuSeconds(),
        target: await target.cpuSeconds(),
      }),
      [Symbol.asyncDispose]: async () => {
        for (const { client } of [source, target]) client.destroy();
        await Promise.all([source.server[Symbol.asyncDispose](), target.server[Symbol.asyncDispose]()]);
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeProfiles(folder: string): Promise<void> {
  const both = Object.values(accounts);
  const keys = both.map(
    ({ user, accessKeyId, secretAccessKey }) =>
      `[${user}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  await writeFile(join(folder, 'credentials'), keys.join('\n'), { mode: 0o600 });
  await writeFile(join(folder, 'config'), both.map(({ user }) => `[profile ${user}]\nregion = ${region}\n`).join('\n'));
}

function remote(name: string, { server, account: { accessKeyId, secretAccessKey } }: ObjectEnd): string {
  return `[${name}]\ntype=s3\nprovider=Other\naccess_key_id=${accessKeyId}\nsecret_access_key=${secretAccessKey}\nregion=${region}\nendpoint=${server.endpoint}\n\n`;
}

/** What a shell would export for both tools; a bundle of certificates stops Debian's rclone. */
export function environmentOf({ folder }: ObjectGround): Readonly<Record<string, string>> {
  return {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_CA_BUNDLE: '',
  };
}

/** A restage.yaml for these two buckets. Its path. */
export async function writeConfig(ground: ObjectGround, buckets: Buckets): Promise<string> {
  const end = (name: string, { server, account }: ObjectEnd, bucket: string) => ({
    name,
    aws: {
      profile: account.user,
      account: account.id,
      endpoints: { s3: server.endpoint, sts: server.endpoint },
    },
    buckets: { images: bucket },
  });
  const config = {
    version: 1,
    source: end('production', ground.source, buckets.source),
    target: end('staging', ground.target, buckets.target),
  };
  const file = join(ground.folder, `${buckets.target}.yaml`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}

/** The names of the bucket to copy and of the one to copy to. */
export interface Buckets {
  readonly source: string;
  readonly target: string;
}

/** A new bucket, with ACLs on: Debian's rclone sends one with every object. */
export async function makeBucket({ client }: ObjectEnd, bucket: string): Promise<void> {
  await client.send(
    new CreateBucketCommand({
      Bucket: bucket,
      ObjectOwnership: 'ObjectWriter',
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
}

/** Every key's size and ETag, by a client that is neither contender's. */
export async function readBucket({ client }: ObjectEnd, bucket: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket }))
    for (const { Key = '', Size, ETag } of Contents) found.set(Key, `${Size} bytes, ETag ${ETag}`);
  return found;
}

/** Throws the first keys that are not the same in both. */
export function requireSame(name: string, wanted: ReadonlyMap<string, string>, got: ReadonlyMap<string, string>): void {
  const keys = new Set([...wanted.keys(), ...got.keys()]);
  const wrong = [...keys].filter((key) => wanted.get(key) !== got.get(key));
  if (wrong.length === 0) return;
  const lines = wrong
    .slice(0, 5)
    .map((key) => `  ${JSON.stringify(key)}: ${got.get(key) ?? 'missing'}, not ${wanted.get(key) ?? 'there'}`);
  throw new Error(`${name} left ${wrong.length} of ${wanted.size} objects otherwise:\n${lines.join('\n')}`);
}

/** Empties and drops a bucket, and with it what it takes of the disk. */
export async function dropBucket({ client }: ObjectEnd, bucket: string): Promise<void> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket }))
    if (Contents.length > 0)
      await client.send(
        new DeleteObjectsCommand({
          Bucket: bucket,
          Delete: { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true },
        }),
      );
  await client.send(new DeleteBucketCommand({ Bucket: bucket }));
}

/** The machine, for whoever reads the figures. */
export function describeObjectGround(): string {
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, shared by the client and both servers; Node ${process.versions.node}`;
}
