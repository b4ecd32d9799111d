/** What AWS tells an invocation of itself, as far as it is used. */
export interface FunctionContext {
  /** The same for every delivery of one asynchronous event. */
  readonly awsRequestId: string;
  readonly functionName: string;
  /** $LATEST, or a number. */
  readonly functionVersion?: string;
  readonly memoryLimitInMB: string | number;
  readonly logGroupName?: string;
  readonly logStreamName?: string;
  getRemainingTimeInMillis(): number;
  /** Of a task, which somebody may stop; AWS ends a function without a word. */
  readonly signal?: AbortSignal;
}

/** How much memory the function may have, in bytes. */
export function memoryBytesOf({ memoryLimitInMB }: Pick<FunctionContext, 'memoryLimitInMB'>): number {
  return Number(memoryLimitInMB) * 1024 * 1024;
}

/** The most memory that this process has had, in bytes; with a warm start, also of invocations before. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
