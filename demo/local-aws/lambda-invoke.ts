import { AwsError } from './aws-error.ts';
import type { World } from './exchange.ts';
import type { Outcome } from './lambda-environment.ts';
import { header, type Request } from './request.ts';
import type { Reply } from './reply.ts';
import type { FunctionSettings } from './settings.ts';

const version = ['x-amz-executed-version', '$LATEST'];
const maxBytes = { RequestResponse: 6_291_456, Event: 1_048_576, DryRun: 6_291_456 } as const;
const tailBytes = 4096;

function invocationType(request: Request): keyof typeof maxBytes {
  const type = header(request, 'x-amz-invocation-type') ?? 'RequestResponse';
  if (type in maxBytes) return type as keyof typeof maxBytes; // one of its names
  throw new AwsError(
    400,
    'InvalidParameterValueException',
    `1 validation error detected: Value '${type}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]`,
  );
}

function checkPayload(payload: Buffer, type: keyof typeof maxBytes): void {
  const limit = maxBytes[type];
  if (payload.length > limit)
    throw new AwsError(
      413,
      'RequestTooLargeException',
      `${payload.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`,
    );
  try {
    JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw new AwsError(
      400,
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Only what is ready can be invoked. */
function checkState({ name, state = 'Active' }: FunctionSettings): void {
  if (state === 'Active') return;
  if (state === 'Inactive')
    throw new AwsError(
      502,
      'ResourceNotReadyException',
      `The function is inactive and its VPC connection is no longer available: ${name}`,
    );
  throw new AwsError(
    409,
    'ResourceConflictException',
    `The operation cannot be performed at this time. The function is currently in the following state: ${state}`,
  );
}

function reply({ body, errorType, log }: Outcome, request: Request, requestId: string): Reply {
  const headers = ['content-type', 'application/json', 'x-amzn-requestid', requestId, ...version];
  if (errorType !== undefined) headers.push('x-amz-function-error', 'Unhandled');
  if (header(request, 'x-amz-log-type') === 'Tail')
    headers.push('x-amz-log-result', Buffer.from(log).subarray(-tailBytes).toString('base64'));
  return { status: 200, headers, content: body.toString('latin1') };
}

/**
 * Runs the function and answers with what it returned, or takes the event on.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function invoke(
  { functions }: World,
  settings: FunctionSettings,
  request: Request,
  text: string,
  requestId: string,
): Promise<Reply> {
  const type = invocationType(request);
  const payload = text === '' ? Buffer.from('{}') : Buffer.from(text, 'latin1');
  checkPayload(payload, type);
  checkState(settings);
  const ids = ['x-amzn-requestid', requestId, ...version];
  if (type === 'DryRun') return { status: 204, headers: ids };
  if (type === 'Event') {
    functions.enqueue(settings, requestId, payload);
    return { status: 202, headers: ids };
  }
  const running = functions.invoke(settings, requestId, payload);
  if (running === undefined)
    throw new AwsError(429, 'TooManyRequestsException', 'Rate Exceeded.', {
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      Type: 'User',
    });
  return reply(await running, request, requestId);
}
