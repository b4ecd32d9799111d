export type { Invocation, InvocationInput, InvocationResponse } from '../index.ts';
export type { FunctionContext } from './context.ts';
export { handler } from './handler.ts';
