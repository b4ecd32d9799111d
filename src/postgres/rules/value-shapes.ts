import { quoteText } from '../names.ts';

/** What a value looks like by itself: a condition in SQL, and from which share of the values on it tells. */
export interface Shape {
  /** For "12 % of its values …". */
  readonly words: string;
  /** A condition on `value`, the name of a column of type text; of documents also on the same in lower case. */
  readonly sql: (value: string, lower: string) => string;
  /** The least share of the values that are not null, 0 to 1, and the least number of them. */
  readonly share: number;
  readonly count: number;
  /** Other numbers are written so too: it does not tell where the column's name says that it is one of those. */
  readonly weak?: true;
}

const matches = (pattern: string) => (value: string) => `${value} ~ ${quoteText(pattern)}`;

/**
 * Conditions in turn: a cheap one saves the next. SQL's `and` promises no order, `case` does. A regular expression takes one to
 * twenty microseconds, `strpos`, `ascii` and `octet_length` less than a tenth of one, and all values of a sample are asked.
 */
const when = (cheap: string, then: string) => `case when ${cheap} then ${then} else false end`;

// Not git@host, and not picture@2x.png.
const emailPattern = String.raw`[[:alnum:]_.+%'-]*[[:alnum:]_](?<!\mgit)@([[:alnum:]-]+\.)+(?!(png|jpe?g|gif|svg|webp|avif|css|js|json|pdf|html?)\M)[[:alpha:]]{2,}`;
const internationalPhone = String.raw`(^|[^[:alnum:]+])\+[1-9](([ ()/-]?[ ()/-]?\d){7,14}(?!\d|[.,]\d)|\d{0,2}(\.\d{2,4}){2,4}(?!\d|[.,]\d))`;
const jwtPattern = String.raw`\meyJ[[:alnum:]_-]{8,}\.eyJ[[:alnum:]_-]{8,}\.[[:alnum:]_-]*`;
const tokenPattern = String.raw`\m((sk|pk|rk)_(live|test)_[[:alnum:]]{10,}|gh[pousr]_[[:alnum:]]{30,}|github_pat_\w{30,}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}\M|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_[[:alnum:]]{36}\M)`;

const digitFirst = (value: string) => `ascii(${value}) between 48 and 57`;

const email: Shape = {
  words: 'hold e-mail addresses',
  sql: (value) => when(`strpos(${value}, '@') > 1`, `${value} ~* ${quoteText(emailPattern)}`),
  share: 0.02,
  count: 1,
};

const phone: Shape = {
  words: 'hold phone numbers',
  sql: (value) => when(`strpos(${value}, '+') > 0`, matches(internationalPhone)(value)),
  share: 0.02,
  count: 1,
};

/** What is in each of the tokens that are looked for. */
const tokenParts = ['_live_', '_test_', 'gh', 'glpat-', 'xox', 'AKIA', 'AIza', 'SG.', 'npm_'];

const anyToken = (value: string) =>
  `(${when(`strpos(${value}, 'eyJ') > 0`, matches(jwtPattern)(value))}
    or ${when(tokenParts.map((part) => `strpos(${value}, '${part}') > 0`).join(' or '), matches(tokenPattern)(value))})`;

const token: Shape = {
  words: 'hold tokens or keys of an API',
  sql: (value) => when(`octet_length(${value}) >= 20 and strpos(${value}, ' ') = 0`, anyToken(value)),
  share: 0,
  count: 1,
};

const tokenInside: Shape = { ...token, sql: (value) => when(`octet_length(${value}) >= 20`, anyToken(value)) };

const privateKey: Shape = {
  words: 'hold private keys',
  sql: (value) => when(`strpos(${value}, 'PRIVATE KEY-----') > 0`, 'true'),
  share: 0,
  count: 1,
};

/** Such as a North American number, or one with the zero of a long distance call. */
const nationalPhone: Shape = {
  words: 'are written like phone numbers',
  sql: (value) =>
    when(
      `octet_length(${value}) between 9 and 24 and (ascii(${value}) = 40 or ${digitFirst(value)})`,
      matches(
        String.raw`^((1[-. ])?[2-9]\d\d[-. ][2-9]\d\d[-. ]\d{4}( ?(x|ext\.?) ?\d+)?|(1[-. ]?)?\([2-9]\d\d\) ?[2-9]\d\d[-. ]\d{4}( ?(x|ext\.?) ?\d+)?|\(0?\d{2,4}\) ?\d{3,4}[-. ]\d{3,5}|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,4})$`,
      )(value),
    ),
  share: 0.4,
  count: 2,
  weak: true,
};

const socialSecurity: Shape = {
  words: 'are written like social security numbers',
  sql: (value) =>
    when(
      `octet_length(${value}) = 11 and ${digitFirst(value)}`,
      matches(String.raw`^(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}$`)(value),
    ),
  share: 0.6,
  count: 2,
  weak: true,
};

const octet = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;

const network: Shape = {
  words: 'are IP addresses',
  // A version in four parts has small ones.
  sql: (value) =>
    when(
      `octet_length(${value}) between 4 and 43 and (${digitFirst(value)} or ascii(${value}) between 65 and 70 or ascii(${value}) between 97 and 102)
         and (strpos(${value}, '.') > 0 or strpos(${value}, ':') > 0)`,
      `${matches(String.raw`^${octet}(\.${octet}){3}(/\d\d?)?$`)(value)} and ${matches(String.raw`\d{3}`)(value)}
       or ${matches(String.raw`^(([[:xdigit:]]{1,4}:){7}[[:xdigit:]]{1,4}|[[:xdigit:]]{1,4}(:[[:xdigit:]]{1,4})*::([[:xdigit:]]{1,4}(:[[:xdigit:]]{1,4})*)?)$`)(value)}`,
    ),
  share: 0.3,
  count: 1,
  weak: true,
};

const cardPattern = String.raw`^(4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|6(011|5\d\d)\d{12}|35\d{14})$`;

/** With the check digit right, by Luhn: of other numbers one in ten has that. */
const card: Shape = {
  words: 'are numbers of payment cards',
  sql: (value) => {
    const digits = `translate(${value}, ' -', '')`;
    return when(
      `octet_length(${value}) between 14 and 23 and ascii(${value}) between 50 and 54`,
      when(
        matches(cardPattern)(digits),
        `(select sum(case when place % 2 = 1 then digit else digit * 2 - case when digit > 4 then 9 else 0 end end) % 10 = 0
            from (select place, substr(reverse(${digits}), place, 1)::integer as digit
                    from generate_series(1, length(${digits})) place) digits)`,
      ),
    );
  },
  share: 0.4,
  count: 2,
};

/** With the check digits right: of other texts of this form one in 97 has that. */
const iban: Shape = {
  words: 'are IBANs',
  sql: (value) => {
    const plain = `replace(${value}, ' ', '')`;
    return when(
      `octet_length(${value}) between 15 and 42 and ascii(${value}) between 65 and 90`,
      when(
        matches(String.raw`^[A-Z]{2}\d\d[[:alnum:]]{11,30}$`)(plain),
        `(select string_agg(case when letter ~ '[A-Z]' then (ascii(letter) - 55)::text else letter end, '' order by place)::numeric % 97 = 1
            from regexp_split_to_table(upper(substr(${plain}, 5) || left(${plain}, 4)), '') with ordinality letters(letter, place))`,
      ),
    );
  },
  share: 0.1,
  count: 1,
};

const passwordHash: Shape = {
  words: 'are hashes of passwords',
  sql: (value) =>
    when(
      `octet_length(${value}) > 9 and ascii(${value}) in (36, 83, 97, 98, 112, 115, 123)
         and (ascii(${value}) = 123 or strpos(${value}, '$') > 0)`,
      matches(
        String.raw`^(\$(2[abxy]?|argon2(id|i|d)|scrypt|pbkdf2[\w-]*|[156y])\$.{8,}|(pbkdf2_sha\d+|bcrypt|bcrypt_sha256|argon2|scrypt)\$.{8,}|\{(SSHA|SHA|CRYPT)\d*\}.{8,}|SCRAM-SHA-256\$\d+:.*|scrypt:\d+:\d+:\d+\$.*)$`,
      )(value),
    ),
  share: 0,
  count: 1,
};

/** What is in each of the keys that are looked for. */
const keyParts = [
  'mail',
  'phone',
  'mobile',
  'name',
  'birth',
  'dob',
  'ssn',
  'passport',
  'iban',
  'street',
  'code',
  'password',
  'token',
  'key',
  'secret',
];

/** Keys of JSON that say what stands behind them. */
const jsonKeys: Shape = {
  words: 'have keys such as first name, phone, birth date or password',
  sql: (_, lower) =>
    when(
      keyParts.map((part) => `strpos(${lower}, '${part}') > 0`).join(' or '),
      matches(
        String.raw`(e[_-]?mail([_-]?address)?|phone([_-]?number)?|mobile([_-]?number)?|first[_-]?name|last[_-]?name|sur[_-]?name|full[_-]?name|birth[_-]?(date|day)|date[_-]?of[_-]?birth|[^a-z]dob|[^a-z]ssn|passport([_-]?(no|number))?|[^a-z]iban|street([_-]?address)?|post(al)?[_-]?code|zip[_-]?code|password|access[_-]?token|refresh[_-]?token|api[_-]?key|client[_-]?secret)"\s*:\s*("[^"]|\d)`,
      )(lower),
    ),
  share: 0.02,
  count: 1,
};

/** For texts: each value by itself. */
export const textShapes: readonly Shape[] = [
  email,
  phone,
  token,
  privateKey,
  passwordHash,
  iban,
  card,
  nationalPhone,
  socialSecurity,
  network,
];

/** For what has values inside: JSON, XML. */
export const documentShapes: readonly Shape[] = [email, phone, tokenInside, privateKey, jsonKeys];

/** For numbers. */
export const numberShapes: readonly Shape[] = [card];
