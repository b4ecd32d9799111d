import type { Column } from '../catalog.ts';
import type { TableName } from '../names.ts';

/** What a column seems to hold. */
export type PersonalKind =
  | 'name'
  | 'contact'
  | 'address'
  | 'birth'
  | 'bank'
  | 'identity'
  | 'trait'
  | 'work'
  | 'notes'
  | 'secret'
  | 'network';

export interface PersonalColumn {
  readonly column: string;
  readonly kind: PersonalKind;
}

/** A table whose columns seem to hold what is personal, or secret. */
export interface PersonalTable {
  readonly table: TableName;
  readonly columns: readonly PersonalColumn[];
}

/** A table or column that seems to belong to the environment that it is in. */
export interface BoundTable {
  readonly table: TableName;
  /** Where it is the column alone, such as an id at another company's service. */
  readonly columns?: readonly string[];
  readonly kind: 'logins' | 'work' | 'calls' | 'records' | 'ids elsewhere';
}

/** A table, as far as its names tell. */
export interface NamedTable {
  readonly table: TableName;
  readonly columns: readonly Pick<Column, 'name' | 'type'>[];
}

/** Words, or words in a row, that alone say what a column holds; in a few languages. */
const telling: readonly (readonly [PersonalKind, RegExp])[] = [
  [
    'secret',
    /\b(passwords?|passwd|pwd|passphrase|passwort|contrase[ñn]a|secrets?|tokens?|api keys?|apikeys?|key hash|private key|otp|totp|pin|salt)\b/,
  ],
  [
    'contact',
    /\b(e ?mails?|e ?mail addr(ess)?|phones?|phone ?\d|telephone|telefon|telefono|telefonnummer|handy|mobile|mobil|cellphone|cell ?phone|fax|whats ?app|skype|correo|courriel)\b/,
  ],
  [
    'birth',
    /\b(birth|birthday|birthdate|birthplace|born|dob|geburtsdatum|geburtstag|geburtsort|nacimiento|naissance)\b/,
  ],
  ['bank', /\b(iban|bic|swift|card|cc number|account number|account no|routing number|sort code|kontonummer)\b/],
  [
    'identity',
    /\b(ssn|social security|passport|tax id|vat id|national id|licen[sc]e number|driver s? ?licen[sc]e|nhs|insurance number|steuernummer|dni|cpf)\b/,
  ],
  ['network', /\b(ip|ip addr(ess)?|user agent|mac address|device id)\b/],
  [
    'address',
    /\b(address(es)?|address ?(line ?)?\d|addr|street|post ?code|postal|zip|zip ?code|plz|stra(ss|ß)e|anschrift|adresse|direcci[oó]n|lat|latitude|lng|longitude)\b/,
  ],
  [
    'name',
    /\b((first|last|given|family|middle|maiden|sur|fore|legal) ?name|vorname|nachname|familienname|apellidos?|pr[eé]nom)\b/,
  ],
];

/** Names that are a person's only where persons are. */
const nameOfSomebody = /^(name|(full|display|user|nick|screen|contact|holder|owner) ?name|login|nickname|username)$/;
const tableOfPeople =
  /\b(user|customer|member|employee|person|people|patient|student|contact|profile|lead|subscriber|client|guest|applicant|recipient|staff)\b/;

/** Names beside an address: of whoever lives there, unless the table is of places. */
const nameAtAddress =
  /^((full|contact|holder|owner) ?)?name$|^(ship|shipping|bill|billing|delivery|invoice|recipient|sender|addressee|customer|contact) (to )?name$/;
const tableOfPlaces =
  /\b(store|shop|venue|warehouse|branch|office|hotel|restaurant|location|place|site|airport|station|building|school|hospital|library|museum|city|region|supplier|vendor|company|organi[sz]ation|depot|facility)\b/;
/** Where in the world an address is, as far as it is no country. */
const placeOfAddress = /\b(city|town|village|suburb|district|ort|stadt|ciudad|ville)$/;

/** What is personal where the table is of people. */
const ofPeopleOnly: readonly (readonly [PersonalKind, RegExp])[] = [
  [
    'trait',
    /^(gender|sex|religion|ethnicity|nationality|citizenship|marital status|disability|diagnosis|blood (type|group)|salary|income|sexual orientation|political party)$/,
  ],
  ['identity', /\b(photo|picture|portrait|avatar|signature|fingerprint)\b/],
];

/** A table each of whose rows is somebody: users, and not user_comments. */
const rowsArePeople = new RegExp(`${tableOfPeople.source}$`);

/** What is personal in such a row. Names of firms are also those that orders and invoices are addressed to. */
const ofEachPerson: readonly (readonly [PersonalKind, RegExp])[] = [
  ['work', /^(company|organi[sz]ation|firm|employer)( name)?$|^firma$/],
  [
    'notes',
    /^((internal|private|personal|medical|admin|staff|support|sales) )?(notes?|comments?|remarks?|memo)$|^(bio|biography|about|about me)$/,
  ],
];

/** What holds no personal value by its type, whatever its name: a flag, a moment, a count, a reference. */
const neverPersonal = /^(boolean|time |interval|tsvector|bit|oid|money)\b|\[\]$/;
const moment = /^(timestamp|date)\b/;
const number = /^(smallint|integer|bigint|numeric|real|double precision)\b/;

const boundTables: readonly (readonly [BoundTable['kind'], RegExp])[] = [
  ['logins', /\b(api key|apikey|session|(access|refresh|auth|oauth|reset|device|push) token|token|credential)$/],
  ['work', /\b(job|queue|task|outbox|inbox|scheduled \w+|delayed job|work item)$/],
  ['calls', /\b(webhook|callback|integration|subscription endpoint)\b/],
  ['records', /\b(audit|audit log|audit trail|access log|event log|activity log|login attempt|login history)\b/],
];

/** Ids that another company's service gave, one for each environment. */
const idElsewhere =
  /\b(cognito|auth0|okta|keycloak|firebase|clerk|supabase|stripe|paypal|braintree|adyen|twilio|sendgrid|mailchimp|hubspot|salesforce)\b/;

/** Columns that look personal, or secret, by name and type. What they hold is not read. */
export function findPersonal(tables: readonly NamedTable[]): readonly PersonalTable[] {
  return tables.flatMap(({ table, columns }) => {
    const name = singular(words(table.name));
    const isOfPeople = tableOfPeople.test(name);
    const sure = new Map(
      columns.flatMap((column): [string, PersonalKind][] => {
        const called = words(column.name);
        const kind = kindOf(called, column.type, isOfPeople) ?? kindInRow(called, column.type, name);
        return kind === undefined ? [] : [[column.name, kind]];
      }),
    );
    const around: Around = {
      people: isOfPeople || [...sure.values()].some((kind) => kind === 'contact' || kind === 'name'),
      address: columns.some((column) => sure.get(column.name) === 'address' && isText(column.type)),
      places: tableOfPlaces.test(name) && !isOfPeople,
    };
    const found = columns.flatMap((column): PersonalColumn[] => {
      const kind = sure.get(column.name) ?? kindBeside(words(column.name), column.type, around);
      return kind === undefined ? [] : [{ column: column.name, kind }];
    });
    return found.length === 0 ? [] : [{ table, columns: found }];
  });
}

/** What the rest of a table says of it. */
interface Around {
  readonly people: boolean;
  readonly address: boolean;
  readonly places: boolean;
}

/** What a column is by those that it stands beside. */
function kindBeside(name: string, type: string, { people, address, places }: Around): PersonalKind | undefined {
  if (people && isText(type) && nameOfSomebody.test(name)) return 'name';
  if (address && !places && isText(type) && nameAtAddress.test(name)) return 'name';
  if (address && isText(type) && placeOfAddress.test(name)) return 'address';
  return undefined;
}

/** Tables and columns that look bound to their environment: its logins, its unfinished work, its ids elsewhere. */
export function findBound(tables: readonly NamedTable[]): readonly BoundTable[] {
  return tables.flatMap(({ table, columns }): BoundTable[] => {
    const name = singular(words(table.name));
    const [kind] = boundTables.find(([, pattern]) => pattern.test(name)) ?? [];
    if (kind !== undefined) return [{ table, kind }];
    const elsewhere = columns.filter((column) => idElsewhere.test(words(column.name)) && isText(column.type));
    return elsewhere.length === 0
      ? []
      : [{ table, kind: 'ids elsewhere', columns: elsewhere.map((column) => column.name) }];
  });
}

function kindOf(name: string, type: string, isOfPeople: boolean): PersonalKind | undefined {
  if (/^(inet|cidr|macaddr8?)\b/.test(type)) return 'network';
  const told = isOfPeople ? [...telling, ...ofPeopleOnly] : telling;
  const [kind] = told.find(([, pattern]) => pattern.test(name)) ?? [];
  if (kind === undefined) return undefined;
  if (neverPersonal.test(type) && !/^(text|character varying|varchar)\b.*\[\]$/.test(type)) return undefined;
  if (moment.test(type)) return kind === 'birth' ? kind : undefined;
  if (type === 'uuid') return kind === 'secret' ? kind : undefined;
  // email_id is a reference and token_count a count; a number may be one to call, of a card, a place, or a year of birth.
  if (
    /\b(id|ids|count|version|type|status|verified)$/.test(name) &&
    !/\b(tax|vat|national|device) id$|^marital status$/.test(name)
  )
    return undefined;
  if (kind === 'birth' && number.test(type)) return isOfPeople ? kind : undefined; // authors of old have a birth_year too
  if (number.test(type) && kind !== 'bank' && kind !== 'identity' && !/^(salary|income)$/.test(name))
    return /\b(phone|mobile|telephone|fax|lat|latitude|lng|longitude|zip|pin)\b/.test(name) ? kind : undefined;
  return kind;
}

function kindInRow(name: string, type: string, table: string): PersonalKind | undefined {
  if (!isText(type) || !rowsArePeople.test(table)) return undefined;
  return ofEachPerson.find(([, pattern]) => pattern.test(name))?.[0];
}

function isText(type: string): boolean {
  return /^(text|character|varchar|(.+\.)?citext)\b/.test(type);
}

/** firstName and first_name as "first name". */
function words(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\d]+/gu, ' ')
    .trim();
}

function singular(text: string): string {
  return text.replaceAll(/(\w{2,})ies\b/g, '$1y').replaceAll(/(\w{2,}[^s])s\b/g, '$1');
}
