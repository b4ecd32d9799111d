import { RestageError } from '../errors.ts';
import type { AccountSettings } from '../aws/account.ts';
import { readDatabase, type DatabaseAnswer } from './database-answer.ts';
import type { Draft, DraftEnd } from './draft.ts';

/** What is known of an end before anything is looked up: by options, or by answers to questions. */
export interface EndAnswers {
  readonly name: string;
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
  /** Its id, where it was asked. */
  readonly account?: string | undefined;
  readonly endpoints: NonNullable<AccountSettings['endpoints']>;
  readonly database?: DatabaseAnswer | undefined;
  readonly buckets: Readonly<Record<string, string>>;
  readonly app?: string | undefined;
}

export interface Answers {
  readonly source: EndAnswers;
  readonly target: EndAnswers;
  /** The name of a function of the target. */
  readonly function?: string | undefined;
}

/** The options of `restage init`, as they were typed. */
export type InitOptions = {
  readonly [Side in 'source' | 'target' as `${Side}${'Name' | 'Profile' | 'Region' | 'Database' | 'App'}`]?:
    | string
    | undefined;
} & {
  readonly [Side in 'source' | 'target' as `${Side}${'Bucket' | 'Endpoint'}`]?: readonly string[] | undefined;
} & { readonly function?: string | undefined };

/** Options as answers. Throws `usage` for one that cannot be read. */
export function readOptions(options: InitOptions): Answers {
  const end = (side: 'source' | 'target', usual: string): EndAnswers => ({
    name: options[`${side}Name`] ?? usual,
    profile: options[`${side}Profile`],
    region: options[`${side}Region`],
    endpoints: readEndpoints(options[`${side}Endpoint`] ?? [], `--${side}-endpoint`),
    database: withDefined(options[`${side}Database`], (text) => readDatabase(text, side)),
    buckets: readBuckets(options[`${side}Bucket`] ?? [], `--${side}-bucket`),
    app: options[`${side}App`],
  });
  return { source: end('source', 'production'), target: end('target', 'staging'), function: options.function };
}

/** The options that are still needed for a file, each with why. */
export function lackingOptions({ source, target, function: name }: Answers): readonly string[] {
  const lacking: string[] = [];
  const isEmpty = (end: EndAnswers) => !end.database && Object.keys(end.buckets).length === 0;
  if (isEmpty(source) && isEmpty(target))
    lacking.push(
      '--source-database and --target-database, or --source-bucket NAME=BUCKET and --target-bucket NAME=BUCKET',
    );
  for (const [side, end, other, otherSide] of [
    ['source', source, target, 'target'],
    ['target', target, source, 'source'],
  ] as const) {
    if (!end.database && other.database) lacking.push(`--${side}-database, beside --${otherSide}-database`);
    for (const bucket of Object.keys(other.buckets))
      if (!Object.hasOwn(end.buckets, bucket))
        lacking.push(`--${side}-bucket ${bucket}=BUCKET, beside --${otherSide}-bucket ${bucket}=…`);
    // Of ends that nothing is known of, the profile is needed too, in most cases.
    const why = isEmpty(end) && isEmpty(other) ? 'unless the database is given as a URL' : whyAws(end, side, name);
    if (end.profile === undefined && why !== undefined) lacking.push(`--${side}-profile, ${why}`);
  }
  return lacking;
}

/** Why an end needs AWS; undefined where it does not. */
function whyAws({ database, buckets }: EndAnswers, side: string, name: string | undefined): string | undefined {
  const { secret, identifier, auth } = database?.database ?? {};
  if (secret !== undefined) return `which reads the secret ${secret}`;
  if (identifier !== undefined || auth !== undefined) return 'which asks RDS';
  if (Object.keys(buckets).length > 0) return 'which reads its buckets';
  return side === 'target' && name !== undefined ? `which has the function ${name}` : undefined;
}

/** Answers as a draft of the file. */
export function draftOf({ source, target, function: name }: Answers): Draft {
  return { source: endOf(source), target: { ...endOf(target), ...(name === undefined ? {} : { function: name }) } };
}

function endOf({ name, profile, region, endpoints, database, buckets, app }: EndAnswers): DraftEnd {
  const hasEndpoints = Object.keys(endpoints).length > 0;
  return {
    name,
    buckets,
    aws: profile === undefined ? undefined : { profile, region, endpoints: hasEndpoints ? endpoints : undefined },
    database: database?.database,
    app: app === undefined ? undefined : { url: app },
  };
}

function readBuckets(texts: readonly string[], option: string): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const [, name, bucket] = /^([^=]+)=(?:s3:\/\/)?([^/=]+)\/?$/.exec(text) ?? [];
    if (name === undefined || bucket === undefined)
      throw new RestageError('usage', `${option} ${text} is not NAME=BUCKET`, {
        hint: 'NAME is one of your own, the same at both ends: images=bluemoxon-images',
      });
    return [name, bucket];
  });
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) < index);
  if (twice) throw new RestageError('usage', `${option} names ${twice[0]} twice`);
  return Object.fromEntries(pairs);
}

const services = ['s3', 'secretsManager', 'sts', 'rds', 'lambda'] as const;

/** `s3=URL` for one service, a URL alone for all of them. */
function readEndpoints(texts: readonly string[], option: string): EndAnswers['endpoints'] {
  const pairs = texts.flatMap((text) => {
    const [, service, url = ''] = /^(?:(\w+)=)?(https?:\/\/.+)$/.exec(text) ?? [];
    const named = services.filter((one) => service === undefined || one.toLowerCase() === service.toLowerCase());
    if (!URL.canParse(url) || named.length === 0)
      throw new RestageError('usage', `${option} ${text} is not URL or SERVICE=URL`, {
        hint: `SERVICE is one of ${services.join(', ')}.`,
      });
    return named.map((one) => [one, url.replace(/\/$/, '')] as const);
  });
  return Object.fromEntries(pairs);
}

function withDefined<In, Out>(value: In | undefined, make: (value: In) => Out): Out | undefined {
  return value === undefined ? undefined : make(value);
}
