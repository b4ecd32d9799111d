import { createHmac, createSecretKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { ChunkDecoder } from './aws-chunked.ts';
import type { Signing } from './signature.ts';

// The worked examples of AWS's documentation, sigv4-streaming.html and sigv4-streaming-trailers.html.
function exampleSigning(signature: string): Signing {
  let key = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  for (const part of ['20130524', 'us-east-1', 's3', 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest();
  const scope = '20130524/us-east-1/s3/aws4_request';
  return { key: createSecretKey(key), timestamp: '20130524T000000Z', scope, signature };
}

const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
const framed = (content: string): string =>
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${content.slice(0, 65_536)}\r\n` +
  `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${content.slice(65_536)}\r\n` +
  '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n';

const trailerSeed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e';
const framedWithTrailer = (checksum: string): string =>
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${'a'.repeat(65_536)}\r\n` +
  `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${'a'.repeat(1024)}\r\n` +
  '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n' +
  `x-amz-checksum-crc32c:${checksum}\r\n` +
  'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n';

/** Decodes in pieces of this size, so that every boundary falls everywhere. */
function decode(text: string, signing: Signing | undefined, hasTrailer: boolean, pieceBytes: number): ChunkDecoder {
  let content = '';
  const decoder = new ChunkDecoder(signing, hasTrailer, (data) => void (content += data.toString('latin1')));
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) decoder.push(bytes.subarray(at, at + pieceBytes));
  expect(content).toBe('a'.repeat(66_560));
  return decoder;
}

test.each([1, 7, 4096, 1_000_000])('AWS’s example of a signed chunked upload is accepted in pieces of %d', (piece) => {
  expect(decode(framed('a'.repeat(66_560)), exampleSigning(seed), false, piece).done).toBe(true);
});

test('a chunk whose content was changed is refused', () => {
  const decoder = new ChunkDecoder(exampleSigning(seed), false, () => {});
  const changed = Buffer.from(framed(`b${'a'.repeat(66_559)}`));
  expect(() => decoder.push(changed)).toThrow(/signature/);
});

test('AWS’s example with a signed trailer is accepted and gives the trailing checksum', () => {
  const decoder = decode(framedWithTrailer('sOO8/Q=='), exampleSigning(trailerSeed), true, 1000);
  expect(decoder.done).toBe(true);
  expect(decoder.trailers.get('x-amz-checksum-crc32c')).toBe('sOO8/Q==');
});

test('a trailer that was changed is refused', () => {
  const decoder = new ChunkDecoder(exampleSigning(trailerSeed), true, () => {});
  expect(() => decoder.push(Buffer.from(framedWithTrailer('AAAAAA==')))).toThrow(/signature/);
});

test('a chunked upload that ends early is not done', () => {
  const decoder = new ChunkDecoder(undefined, false, () => {});
  decoder.push(Buffer.from('5\r\nhello\r\n'));
  expect(decoder.done).toBe(false);
});
