import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const checksumAlgorithms = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** What S3 keeps of an object's additional checksum. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** base64; a composite one ends in `-N`. */
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

export interface RunningChecksum {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

function runningCrc32(): RunningChecksum {
  let value = 0;
  return { update: (chunk) => void (value = crc32(chunk, value)), digest: () => bigEndian(value) };
}

function runningCrc32c(): RunningChecksum {
  let value = 0xffffffff;
  return {
    update(chunk) {
      let running = value;
      for (const byte of chunk) running = (running >>> 8) ^ (crc32cTable[(running ^ byte) & 0xff] ?? 0);
      value = running;
    },
    digest: () => bigEndian(~value >>> 0),
  };
}

// CRC-64/NVME, reflected, in two 32-bit halves: BigInt would be fifty times slower.
const crc64Low = new Uint32Array(256);
const crc64High = new Uint32Array(256);
for (let index = 0; index < 256; index++) {
  let low = index;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry) {
      low ^= 0xac4bc9b5;
      high ^= 0x9a6c9329;
    }
  }
  crc64Low[index] = low;
  crc64High[index] = high;
}

function runningCrc64(): RunningChecksum {
  let low = -1;
  let high = -1;
  return {
    update(chunk) {
      for (const byte of chunk) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (crc64Low[index] ?? 0);
        high = (high >>> 8) ^ (crc64High[index] ?? 0);
      }
    },
    digest: () => Buffer.concat([bigEndian(~high >>> 0), bigEndian(~low >>> 0)]),
  };
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function runningHash(hash: Hash): RunningChecksum {
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() };
}

const start: { readonly [A in ChecksumAlgorithm]: () => RunningChecksum } = {
  crc32: runningCrc32,
  crc32c: runningCrc32c,
  crc64nvme: runningCrc64,
  sha1: () => runningHash(createHash('sha1')),
  sha256: () => runningHash(createHash('sha256')),
};

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  return start[algorithm]();
}

export function toChecksumAlgorithm(name: string | undefined): ChecksumAlgorithm | undefined {
  const lower = name?.toLowerCase();
  return checksumAlgorithms.find((algorithm) => algorithm === lower);
}
