import type { Account } from '../aws/account.ts';
import { bucketOf } from '../connect.ts';
import { RestageError } from '../errors.ts';
import type { TextFiles } from '../s3/text-files.ts';
import { runPlaceOf } from './run-place.ts';

/** A place of runs, and the texts in it. */
export interface OpenPlace extends Disposable {
  /** s3://bucket/prefix */
  readonly address: string;
  /** What keys begin with: `prefix/`, or nothing. */
  readonly folder: string;
  /** Reached when first asked for. */
  texts(): Promise<TextFiles>;
  /** Undefined where there is none: `<run>/state.json`, say. */
  read(name: string): Promise<string | undefined>;
}

export interface PlaceOptions {
  /** How long one request may take at most, in milliseconds; without it through an outage of a minute. */
  readonly patienceMs?: (() => number) | undefined;
}

/** Throws `config-invalid` for what is no place. */
export function openPlace(account: Account, place: string, { patienceMs }: PlaceOptions = {}): OpenPlace {
  const { bucket, folder, text: address } = runPlaceOf(place);
  let opened: Promise<TextFiles> | undefined;
  // An HTTP client is loaded where it is used.
  const texts = () =>
    (opened ??= import('../s3/text-files.ts').then(({ textFiles }) =>
      textFiles({ bucket: bucketOf(account, bucket), asker: account.arn ?? account.name, folder, patienceMs }),
    ));
  return {
    address,
    folder,
    texts,
    read: async (name) => (await (await texts()).read(folder + name))?.text,
    [Symbol.dispose]: () => {
      opened?.then(
        (files) => files[Symbol.dispose](),
        () => undefined,
      );
    },
  };
}

/** How often something is tried that others may be doing at the same time. */
const mostAttempts = 10;

/** Tries to write a text that others may be writing, until something comes of it. Throws `run-in-progress`. */
export async function writeAmongOthers<Done>(key: string, attempt: () => Promise<Done | undefined>): Promise<Done> {
  for (let attempts = 1; attempts <= mostAttempts; attempts++) {
    const done = await attempt();
    if (done !== undefined) return done;
  }
  throw new RestageError('run-in-progress', `${key} is written by others again and again`, {
    hint: 'Try again in a minute.',
  });
}
