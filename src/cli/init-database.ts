import { failureOf } from '../index.ts';
import {
  databaseForms,
  isPostgres,
  readDatabase,
  readLogin,
  type DatabaseAnswer,
  type EndAnswers,
  type Pairing,
  type Survey,
} from '../init/index.ts';
import type { Choice, Questions } from './questions.ts';

export interface DatabaseQuestion {
  readonly side: 'source' | 'target';
  readonly end: EndAnswers;
  readonly survey?: Survey;
  readonly pairings: readonly Pairing[];
  /** What the source's database was named by, for the target's. */
  readonly partner: string | undefined;
}

/** Asks which database it is: a secret, an identifier of RDS, or what is typed; undefined for none. */
export async function askDatabase(
  question: DatabaseQuestion,
  questions: Questions,
  signal: AbortSignal | undefined,
): Promise<DatabaseAnswer | undefined> {
  const { side, end, survey } = question;
  const likely = likelyNames(question);
  const listed = survey ? choicesOf(survey, likely) : [];
  const initial = listed.find(({ value }) => likely[0] !== undefined && value.endsWith(`:${likely[0]}`))?.value;
  const chosen = await questions.choose(
    side === 'source' ? `Which database of ${end.name} is copied?` : `Which database of ${end.name} is replaced?`,
    [
      ...listed,
      { value: 'typed', label: 'another, which I type', hint: survey ? "a secret's name, or a URL" : 'a URL' },
      { value: 'none', label: 'none', hint: 'only buckets' },
    ],
    initial ?? 'typed',
  );
  const [kind, ...rest] = chosen.split(':');
  const name = rest.join(':');
  if (kind === 'none') return undefined;
  if (kind === 'rds' && survey) return askLogin(side, survey, name, questions);
  if (kind === 'secret' && survey) return askSecret(survey, name, questions, signal);
  const typed = await questions.type(`The database of ${end.name}, without its password:`, {
    example: 'postgres://user@host:5432/database',
    problem: (text) => problemOf(text, side),
  });
  const answer = readDatabase(typed, side);
  if (answer.note !== undefined) questions.warn(answer.note);
  return answer.database.secret !== undefined && survey
    ? askSecret(survey, answer.database.secret, questions, signal)
    : answer;
}

/** The likeliest first: partners of what the source has, else what has a partner. */
function likelyNames({ side, pairings, partner }: DatabaseQuestion): readonly string[] {
  if (side === 'source') return pairings.filter((one) => one.target !== undefined).map(({ source }) => source);
  return pairings.find(({ source }) => source === partner)?.candidates ?? [];
}

function choicesOf({ secrets, databases }: Survey, likely: readonly string[]): Choice<string>[] {
  const rank = (name: string) => (likely.includes(name) ? likely.indexOf(name) : likely.length);
  return [
    ...secrets.found.map(({ name, description }) => ({
      name,
      value: `secret:${name}`,
      label: `the secret ${name}`,
      hint: description,
    })),
    ...databases.found.filter(isPostgres).map(({ identifier, kind, engine, status, isReplica }) => ({
      name: identifier,
      value: `rds:${identifier}`,
      label: `the RDS ${kind} ${identifier}`,
      hint: `${engine}, ${status}${isReplica ? ', a replica' : ''}`,
    })),
  ].toSorted((a, b) => rank(a.name) - rank(b.name));
}

/** A secret, with what it does not say itself: RDS's own hold a user and a password only. */
async function askSecret(
  survey: Survey,
  secret: string,
  questions: Questions,
  signal: AbortSignal | undefined,
): Promise<DatabaseAnswer> {
  const login = await readLogin(survey, secret, signal).catch((error: unknown) => {
    const { code, message, hint } = failureOf(error);
    if (code === 'interrupted' || signal?.aborted) throw error;
    questions.warn([message, ...(hint === undefined ? [] : [hint])].join('\n'));
    return undefined;
  });
  if (!login) return { database: { secret } };
  const isPlaced = login.host !== undefined || login.identifier !== undefined;
  const place = isPlaced ? {} : await askPlace(survey, questions);
  const usual = survey.databases.found.find(({ identifier }) => identifier === place.identifier)?.database;
  const database = login.database === undefined ? { database: await askName(usual, questions) } : {};
  const host = login.host === undefined ? (place.host ?? place.identifier) : `${login.host}:${login.port ?? 5432}`;
  questions.tell(`${login.database ?? database.database} at ${host} as ${login.user}`);
  return { database: { secret, ...place, ...database } };
}

async function askPlace(
  { databases }: Survey,
  questions: Questions,
): Promise<{ readonly identifier?: string; readonly host?: string }> {
  const found = databases.found.filter(isPostgres).map(({ identifier }) => ({ value: identifier }));
  const chosen =
    found.length === 0
      ? ''
      : await questions.choose('The secret names no host. Which server is it of?', [
          ...found,
          { value: '', label: 'another, whose host I type' },
        ]);
  if (chosen !== '') return { identifier: chosen };
  return { host: await questions.type('The host that the secret is for:', { problem: required }) };
}

/** An identifier of RDS, with who logs in and how. */
async function askLogin(
  side: DatabaseQuestion['side'],
  { databases }: Survey,
  identifier: string,
  questions: Questions,
): Promise<DatabaseAnswer> {
  const server = databases.found.find((one) => one.identifier === identifier);
  const database = await askName(server?.database, questions);
  const user = await questions.type('The role that logs in:', { problem: required });
  const byToken =
    server?.hasIamLogin === true &&
    (await questions.agree('Does it log in with a token of IAM, without a password?', true));
  const name = `${side.toUpperCase()}_DATABASE_PASSWORD`;
  return byToken
    ? { database: { identifier, database, user, auth: 'iam' } }
    : { database: { identifier, database, user, passwordEnv: name }, variable: { name, value: undefined } };
}

function askName(usual: string | undefined, questions: Questions): Promise<string> {
  return questions.type("The database's name:", { initial: usual, problem: required });
}

function problemOf(text: string, side: DatabaseQuestion['side']): string | undefined {
  if (text === '') return `It is ${databaseForms}`;
  try {
    readDatabase(text, side);
    return undefined;
  } catch (error) {
    return failureOf(error).message;
  }
}

function required(text: string): string | undefined {
  return text === '' ? 'It is needed' : undefined;
}
