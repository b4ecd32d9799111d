import { expect, test } from 'vitest';
import { startChecksum, type ChecksumAlgorithm } from './checksum.ts';

// The check values of the catalogue of CRC algorithms, and of FIPS 180 by `sha1sum` and `sha256sum`.
test.each<readonly [ChecksumAlgorithm, string]>([
  ['crc32', 'cbf43926'],
  ['crc32c', 'e3069283'],
  ['crc64nvme', 'ae8b14860a799888'],
  ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
])('%s of "123456789" has its published value, in one piece or two', (algorithm, expected) => {
  const whole = startChecksum(algorithm);
  whole.update(Buffer.from('123456789'));
  const pieces = startChecksum(algorithm);
  pieces.update(Buffer.from('1234'));
  pieces.update(Buffer.from('56789'));
  expect(whole.digest().toString('hex')).toBe(expected);
  expect(pieces.digest().toString('hex')).toBe(expected);
});
