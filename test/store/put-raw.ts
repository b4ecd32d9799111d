import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import aws4 from 'aws4';
import type { StoreEnd } from './store.ts';

/**
 * PutObject of a text with headers in UTF-8, as clients in other languages send them. The SDK cannot: Node's headers
 * are Latin-1, while what is signed is UTF-8.
 */
export async function putRaw(
  end: StoreEnd,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const { hostname, port, host } = new URL(end.endpoint);
  const signed = aws4.sign(
    {
      service: 's3',
      region: end.region,
      method: 'PUT',
      host,
      path,
      headers: {
        ...headers,
        'content-length': String(Buffer.byteLength(body)),
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      },
    },
    end,
  );
  const sent = Object.entries(signed.headers ?? {}).map(([name, value]) => [
    name,
    Buffer.from(String(value)).toString('latin1'),
  ]);
  const sending = request({ hostname, port, path, method: 'PUT', headers: Object.fromEntries(sent) });
  // Not by end(body): with a text Node would encode the headers once more, and content-disposition with bytes too.
  sending.write(Buffer.from(body));
  sending.end();
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`PUT ${path}: ${response.statusCode}`);
}
