/** An answer of S3 that is an error, by S3's own code (NoSuchKey, AccessDenied, SlowDown …). */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  readonly code: string;
  /** What was asked, and of which bucket: `GET of shop-images`. */
  readonly asked: string | undefined;

  constructor(status: number, code: string, message: string, asked?: string) {
    super(message);
    this.asked = asked;
    this.status = status;
    this.code = code;
  }
}

/** Whether it is the keys themselves that are not accepted, whatever they ask for. */
export function refusesKeys({ code }: S3Error): boolean {
  return code === 'ExpiredToken' || code === 'InvalidAccessKeyId' || code === 'InvalidToken';
}
