import { RestageError } from '../errors.ts';

/** A folder of a bucket. */
export interface RunPlace {
  readonly bucket: string;
  /** What keys begin with: `folder/`, or nothing. */
  readonly folder: string;
  /** s3://bucket/folder */
  readonly text: string;
}

/** Throws `config-invalid`. */
export function runPlaceOf(place: string): RunPlace {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]+)(\/.*)?$/s.exec(place) ?? [];
  if (bucket === '')
    throw new RestageError('config-invalid', `${place} is no place for runs`, { hint: 'It is s3://bucket/prefix.' });
  const prefix = rest.replace(/^\/+|\/+$/g, '');
  return {
    bucket,
    folder: prefix === '' ? '' : `${prefix}/`,
    text: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`,
  };
}
