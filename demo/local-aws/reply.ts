import type { Body } from './body.ts';

/** What the server answers. `headers` is flat: name, value, name, value. Text is bytes. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly content?: string | ContentRange;
}

export interface ContentRange {
  readonly body: Body;
  readonly start: number;
  readonly sizeBytes: number;
}

export const noContent: Reply = { status: 204, headers: [] };

export function ok(...headers: readonly string[]): Reply {
  return { status: 200, headers };
}

export function xmlReply(content: string, headers: readonly string[] = [], status = 200): Reply {
  return { status, headers: ['content-type', 'application/xml', ...headers], content };
}
