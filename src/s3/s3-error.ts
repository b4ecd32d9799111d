/** An answer of S3 that is an error, by S3's own code (NoSuchKey, AccessDenied, SlowDown …). */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
