import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { RestageError } from './errors.ts';

/**
 * The certificates of a PEM file, as its text. Throws `config-invalid` where it cannot be read, or holds none, or one that
 * cannot be understood: a connection would only say that it does not trust the server.
 */
export async function readCertificates(file: string, setting: string): Promise<string> {
  const wrong = (what: string, cause?: unknown) =>
    new RestageError('config-invalid', `${setting}: ${file} ${what}`, {
      cause,
      hint: "It is a PEM file with the certificate of the authority that signed the server's: -----BEGIN CERTIFICATE----- … A relative path begins at the config's folder.",
    });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw wrong('holds no certificate');
  for (const [index, block] of blocks.entries())
    try {
      void new X509Certificate(block);
    } catch (error) {
      throw wrong(`holds a certificate that cannot be read, number ${index + 1}`, error);
    }
  return blocks.join('\n');
}
