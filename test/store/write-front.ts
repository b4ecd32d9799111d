import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { store } from './use-store.ts';

export interface Front extends AsyncDisposable {
  readonly endpoint: string;
  /** So many requests are done, and their answers lost. */
  loseAnswers(count: number): void;
}

/** The store behind something that loses a header, or answers. */
export async function startFront(
  bucket: string,
  { losesHeader }: { readonly losesHeader?: string } = {},
): Promise<Front> {
  const { client } = store.target;
  let toLose = 0;
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    const pass = async (): Promise<readonly [number, string, string]> => {
      const Body = await buffer(request);
      const named = { Bucket: bucket, Key: decodeURIComponent(url.replace(/^\/[^/]+\//, '')) };
      const condition = (name: string) => (name === losesHeader ? undefined : headers[name]?.toString());
      const conditions = { IfMatch: condition('if-match'), IfNoneMatch: condition('if-none-match') };
      const done = await (method === 'PUT'
        ? client.send(new PutObjectCommand({ ...named, ...conditions, Body }))
        : client.send(new GetObjectCommand(named)));
      return [200, done.ETag ?? '', 'Body' in done ? ((await done.Body?.transformToString()) ?? '') : ''];
    };
    const answer = async (): Promise<void> => {
      const [status, etag, text] = await pass().catch(
        (error: { readonly $metadata?: { readonly httpStatusCode?: number } }) =>
          [error.$metadata?.httpStatusCode ?? 500, '', ''] as const,
      );
      if (toLose > 0) request.socket.destroy();
      else response.writeHead(status, { etag }).end(text);
      toLose = Math.max(0, toLose - 1);
    };
    void answer();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // of a TCP server, no pipe
    loseAnswers: (count) => void (toLose = count),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
