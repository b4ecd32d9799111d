import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { hash } from 'node:crypto';
import { Credentials } from '../demo/local-aws/identity.ts';
import type { Request } from '../demo/local-aws/request.ts';
import { authenticate } from '../demo/local-aws/signature.ts';
import type { ServerCertificate } from './certificates.ts';

/** A front like RDS's: TLS, and a token of IAM for a password. Behind it stands a PostgreSQL that trusts it. */
export interface IamFront extends AsyncDisposable {
  readonly port: number;
  /** Every token that came. */
  readonly tokens: readonly string[];
}

export interface IamFrontSettings {
  readonly certificate: ServerCertificate;
  /** The name that tokens must be made for. */
  readonly host: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
  /** Where the PostgreSQL listens on loopback. */
  readonly behind: number;
}

const sslRequest = 80877103;

export async function startIamFront(settings: IamFrontSettings): Promise<IamFront> {
  const tokens: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)).on('error', () => undefined));
    serve(socket, { ...settings, port, tokens }).catch(() => socket.destroy()); // of a client that went away
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number }; // of a TCP server, so not a path
  return {
    port,
    tokens,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Serving extends IamFrontSettings {
  readonly port: number;
  readonly tokens: string[];
}

async function serve(socket: Socket, settings: Serving): Promise<void> {
  const asked = await readBytes(socket, 8);
  if (asked.readInt32BE(4) !== sslRequest) return void socket.end(fatal('28000', 'this server speaks TLS only'));
  socket.write('S');
  const { certificate: cert, key } = settings.certificate;
  const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert, key }) });
  secure.on('error', () => socket.destroy());
  const startup = await readMessage(secure, 0);
  const parameters = startup.subarray(8).toString().split('\0');
  const user = parameters[parameters.indexOf('user') + 1] ?? '';
  secure.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])); // AuthenticationCleartextPassword
  const token = (await readMessage(secure, 1)).subarray(5, -1).toString();
  settings.tokens.push(token);
  if (refusalOf(token, user, settings) !== undefined)
    return void secure.end(fatal('28000', `PAM authentication failed for user "${user}"`));
  const behind = connect(settings.behind, '127.0.0.1');
  behind.on('error', () => secure.destroy()).write(startup);
  secure.pipe(behind).pipe(secure);
}

/** What RDS would find wrong with a token: a presigned `connect` for this place and user, of keys that are known. */
function refusalOf(token: string, user: string, { host, port, keys, region }: Serving): string | undefined {
  const url = URL.parse(`https://${token}`);
  if (url === null) return 'it is no URL';
  const query = [...url.searchParams];
  const asked = Object.fromEntries(query);
  if (asked['Action'] !== 'connect' || asked['DBUser'] !== user) return 'it is for another user';
  if (!asked['X-Amz-Credential']?.endsWith(`/${region}/rds-db/aws4_request`)) return 'it is for another service';
  if (Number(asked['X-Amz-Expires']) > 900) return 'it holds for too long';
  // Of a request only what a signature is made of.
  const request = {
    method: 'GET',
    path: url.pathname,
    query,
    headers: { host: `${host}:${port}` },
  } as unknown as Request;
  const known = new Credentials([{ id: '111111111111', user: 'somebody', ...keys }]);
  const found = authenticate(request, known, region, hash('sha256', '', 'hex'));
  return found.kind === 'refused' ? found.failure.kind : undefined;
}

function fatal(state: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** One message, whose length stands after its type. */
async function readMessage(stream: Socket, typeBytes: 0 | 1): Promise<Buffer> {
  const head = await readBytes(stream, typeBytes + 4);
  return Buffer.concat([head, await readBytes(stream, head.readInt32BE(typeBytes) - 4)]);
}

async function readBytes(stream: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = stream.read(count) as Buffer | null; // no encoding is set
    if (bytes !== null) return bytes;
    if (stream.readableEnded || stream.destroyed) throw new Error('the client went away');
    await Promise.race([once(stream, 'readable'), once(stream, 'close')]);
  }
}
