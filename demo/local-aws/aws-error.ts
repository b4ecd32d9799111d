/** A refusal in AWS's own words; each service renders it in its own protocol. */
export class AwsError extends Error {
  readonly status: number;
  readonly code: string;
  /** Further elements of the error's document, such as BucketName of S3's. */
  readonly details: Readonly<Record<string, string>>;
  readonly headers: readonly string[];

  constructor(
    status: number,
    code: string,
    message: string,
    details: Readonly<Record<string, string>> = {},
    headers: readonly string[] = [],
  ) {
    super(message);
    this.name = 'AwsError';
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

export const accessDenied = (): AwsError => new AwsError(403, 'AccessDenied', 'Access Denied');
