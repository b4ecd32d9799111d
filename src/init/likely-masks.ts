import type { Column } from '../postgres/catalog.ts';
import type { Mask } from '../postgres/rules/table-rule.ts';

/** Masks that a column's name, or why it looks personal, call for; the likeliest first. */
const likely: readonly (readonly [RegExp, readonly Mask[]])[] = [
  [/e[- ]?mail|courriel|correo/i, ['email', 'hash']],
  [/phone|mobil|fax|handy|telefon|whats ?app/i, ['phone']],
  [/first name|given name|fore ?name|middle name|vorname|pr[eé]nom/, ['firstName']],
  [/last name|family name|surname|maiden name|nachname|familienname|apellido/, ['lastName']],
  [/user ?name|nick ?name|screen name|\blogin\b|skype/, ['username']],
  [/company|organi[sz]ation|\bfirma?\b|employer/, ['company']],
  [/name$|name \(|person's name/, ['name']],
  [/hashes of passwords|pass ?w(or)?d|passphrase|passwort|contrase/, ['password-hash', 'token']],
  [/iban/i, ['iban', 'hash']],
  [/\bcards?\b|\bcc number/i, ['card', 'hash']],
  [/user agent|device id/, ['redact']],
  [/\bip\b|IP address|network/, ['ip', 'hash']],
  [/uuid/, ['uuid']],
  [/a secret|\btokens?\b|\bkeys?\b|\botp|\bpin\b|\bsalt\b/, ['token', 'hash']],
  [/post ?code|postal|zip|plz/, ['postcode', 'hash']],
  [/\b(city|town|village|suburb|district|ort|stadt|ciudad|ville)\b/, ['city']],
  [/\b(lat|latitude|lng|longitude)\b/, [{ number: { noise: 10 } }]],
  [/url|website|photo|picture|avatar/, ['url']],
  [/\bage\b|salary|income/, [{ number: { noise: 10 } }]],
  [/birth ?place|geburtsort/, ['city']],
  [/an address|address/, ['address']],
  [/written about somebody/, ['text']],
];

/** What fits where nothing else does: a value of its type that says nothing. */
const plain: readonly (readonly [RegExp, readonly Mask[]])[] = [
  [/^(text|character|name|.*citext)/, ['redact', 'text', 'hash']],
  [/^(date|timestamp)/, [{ date: { shiftDays: 90 } }]],
  [/^(smallint|integer|bigint)$/, ['hash', { number: { noise: 10 } }]],
  [/^(numeric|real|double precision)$/, [{ number: { noise: 10 } }]],
  [/^uuid$/, ['uuid']],
  [/^(inet|cidr)$/, ['ip']],
  [/^bytea$/, ['hash']],
];

/** Masks that may be meant for a column that looks personal, the best first; whether they fit is another question. */
export function likelyMasks({ name, base, required }: Column, reason: string): readonly Mask[] {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\d]+/gu, ' ')
    .trim();
  const isMoment = /^(date|timestamp)/.test(base);
  const told = isMoment
    ? []
    : (likely.find(([pattern]) => pattern.test(words)) ?? likely.find(([pattern]) => pattern.test(reason)));
  const byType = plain.find(([pattern]) => pattern.test(base));
  const empty: Mask[] = required
    ? /^jsonb?$/.test(base)
      ? [{ sql: `'{}'` }]
      : base.endsWith('[]')
        ? [{ sql: `'{}'` }]
        : base === 'tsvector'
          ? [{ sql: `''` }]
          : []
    : ['null'];
  return [...(told?.[1] ?? []), ...(byType?.[1] ?? []), ...empty];
}
