import { readFileSync } from 'node:fs';

/** The package's own version, from the nearest package.json above: sources and the built package stand at different depths. */
export function ownVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      const found = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === 'restage' && found.version !== undefined) return found.version;
    } catch {
      if (folder.pathname === '/') return 'unknown';
    }
  }
}
