import type { Column } from './catalog.ts';
import type { TableName } from './names.ts';

/** What a column seems to hold. */
export type PersonalKind = 'name' | 'contact' | 'address' | 'birth' | 'bank' | 'identity' | 'secret' | 'network';

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

/** Words, or words in a row, that alone say what a column holds. */
const telling: readonly (readonly [PersonalKind, RegExp])[] = [
  ['secret', /\b(password|passwd|pwd|passphrase|secret|token|api key|apikey|key hash|private key|otp|totp|pin|salt)\b/],
  ['contact', /\b(e ?mail|email|phone|telephone|mobile|cellphone|fax|whats ?app|skype)\b/],
  ['birth', /\b(birth|birthday|birthdate|born|dob)\b/],
  ['bank', /\b(iban|bic|swift|card|cc number|account number|account no|routing number|sort code)\b/],
  ['identity', /\b(ssn|social security|passport|tax id|vat id|national id|licen[sc]e number|nhs|insurance number)\b/],
  ['network', /\b(ip|ip addr(ess)?|user agent|mac address)\b/],
  ['address', /\b(address|addr|street|postcode|postal|zip|zipcode|lat|latitude|lng|longitude)\b/],
  ['name', /\b(first|last|given|family|middle|maiden|sur|fore|legal) ?name\b/],
];

/** Names that are a person's only where persons are. */
const nameOfSomebody = /^(name|(full|display|user|nick|screen|contact|holder|owner) ?name|login|nickname|username)$/;
const tableOfPeople =
  /\b(user|customer|member|employee|person|people|patient|student|contact|profile|lead|subscriber|client|guest|applicant|recipient|staff)\b/;

/** What holds no personal value by its type, whatever its name: a flag, a moment, a count, a reference. */
const neverPersonal = /^(boolean|timestamp|time|interval|uuid|tsvector|bit|oid|money)\b/;
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
    const sure = columns.flatMap(({ name, type }) => {
      const kind = kindOf(words(name), type);
      return kind === undefined ? [] : [{ column: name, kind }];
    });
    const isOfPeople =
      tableOfPeople.test(singular(words(table.name))) || sure.some(({ kind }) => kind === 'contact' || kind === 'name');
    const found = columns.flatMap(({ name, type }): PersonalColumn[] => {
      const known = sure.find(({ column }) => column === name);
      if (known) return [known];
      const isName = isOfPeople && nameOfSomebody.test(words(name)) && isText(type);
      return isName ? [{ column: name, kind: 'name' }] : [];
    });
    return found.length === 0 ? [] : [{ table, columns: found }];
  });
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

function kindOf(name: string, type: string): PersonalKind | undefined {
  if (/^(inet|cidr)\b/.test(type)) return 'network';
  const [kind] = telling.find(([, pattern]) => pattern.test(name)) ?? [];
  if (kind === undefined || neverPersonal.test(type)) return undefined;
  // email_id is a reference and token_count a count; a number may be one to call, of a card, a place, or a year of birth.
  if (/\b(id|ids|count|version|type|status|verified)$/.test(name) && !/\b(tax|vat|national) id$/.test(name))
    return undefined;
  if (number.test(type) && kind !== 'birth' && kind !== 'bank' && kind !== 'identity')
    return /\b(phone|mobile|telephone|fax|lat|latitude|lng|longitude|zip|pin)\b/.test(name) ? kind : undefined;
  return kind;
}

function isText(type: string): boolean {
  return /^(text|character|varchar|citext|public\.citext)/.test(type);
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
