import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';

/** Writes a file that its owner only can read, also where one that others could read was there before. */
export function writePrivately(file: string, text: string): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
    writeFileSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}
