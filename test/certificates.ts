import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A server's certificate and its key, PEM. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Host names and IPv4 addresses. */
  readonly names: readonly string[];
  /** Default: since yesterday. */
  readonly from?: Date;
  /** Default: until tomorrow. */
  readonly until?: Date;
}

/** Somebody who issues certificates, made for a test and gone with it. */
export interface Authority {
  /** PEM: what trusts it. */
  readonly certificate: string;
  issue(options: CertificateOptions): ServerCertificate;
}

const dayMs = 86_400_000;

export function makeAuthority(name: string): Authority {
  const { privateKey, publicKey } = makeKeys();
  const own = certify({ subject: name, issuer: name, publicKey, signer: privateKey, extensions: [isAuthority] });
  return {
    certificate: own,
    issue: (options) => {
      const keys = makeKeys();
      const { names, from, until } = options;
      const certificate = certify({
        subject: names[0] ?? '',
        issuer: name,
        publicKey: keys.publicKey,
        signer: privateKey,
        extensions: [namesOf(names)],
        from,
        until,
      });
      return { certificate, key: pemOfKey(keys.privateKey) };
    },
  };
}

/** A certificate that nobody but its own key vouches for. */
export function makeSelfSigned(names: readonly string[]): ServerCertificate {
  const { privateKey, publicKey } = makeKeys();
  const [subject = ''] = names;
  const extensions = [namesOf(names)];
  const certificate = certify({ subject, issuer: subject, publicKey, signer: privateKey, extensions });
  return { certificate, key: pemOfKey(privateKey) };
}

function makeKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return { privateKey: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }), publicKey };
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

interface Certified {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: Buffer;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

// X.509 version 3, in DER: RFC 5280, section 4.1. Node reads certificates and makes none.
function certify(what: Certified): string {
  const { from = new Date(Date.now() - dayMs), until = new Date(Date.now() + dayMs) } = what;
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const serial = der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)]));
  const content = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    serial,
    ecdsaWithSha256,
    nameOf(what.issuer),
    sequence(timeOf(from), timeOf(until)),
    nameOf(what.subject),
    what.publicKey,
    der(0xa3, sequence(...what.extensions)),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', content, what.signer));
  const base64 = sequence(content, ecdsaWithSha256, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content);
}

function oid(...bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)))));
}

function timeOf(time: Date): Buffer {
  return der(0x18, Buffer.from(time.toISOString().replace(/[-:T]|\.\d+/g, '')));
}

/** Basic constraints, critical: a certificate authority. */
const isAuthority = sequence(
  oid(0x55, 0x1d, 0x13),
  der(0x01, Buffer.of(0xff)),
  der(0x04, sequence(der(0x01, Buffer.of(0xff)))),
);

/** Subject alternative names. */
function namesOf(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
  );
  return sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...each)));
}
