import { scan, type Slice } from '../body.ts';
import { startChecksum, type Checksum, type ChecksumAlgorithm } from '../checksum.ts';
import { element } from '../xml.ts';

export async function checksumOf(slice: Slice, algorithm: ChecksumAlgorithm): Promise<Checksum> {
  const running = startChecksum(algorithm);
  await scan(slice, (chunk) => running.update(chunk));
  return { algorithm, value: running.digest().toString('base64'), type: 'FULL_OBJECT' };
}

export function checksumElements(checksum: Checksum | undefined): string {
  if (checksum === undefined) return '';
  return (
    element(`Checksum${checksum.algorithm.toUpperCase()}`, checksum.value) + element('ChecksumType', checksum.type)
  );
}
