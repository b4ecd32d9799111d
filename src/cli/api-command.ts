import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import {
  bodyText,
  bodyValue,
  request,
  requireJsonPath,
  RestageError,
  valueIn,
  valueText,
  type ApiAnswer,
} from '../index.ts';
import { parseEnd } from './arguments.ts';
import { perform, type GlobalOptions } from './frame.ts';
import { readSettings } from './settings.ts';
import type { Terminal } from './terminal.ts';

interface ApiOptions extends GlobalOptions {
  readonly end: 'source' | 'target';
  readonly read?: string;
  readonly data?: string;
}

/** `api`: one request to an end's application. */
export function apiCommand(command: (name: string, description: string) => Command): void {
  command('api', "one request to the target's application, with its configured address and headers")
    .argument('<method>', 'GET, HEAD, POST, PUT, PATCH or DELETE; of the source GET and HEAD only')
    .argument('<path>', 'what stands behind app.url, e.g. "/books?limit=5"')
    .option('--end <end>', 'whose application: source or target', parseEnd, 'target')
    .option('--read <value>', 'print one value of the answer, e.g. total or items[0].id')
    .option('-d, --data <json>', 'what is sent: JSON, @file, or - for what comes on stdin')
    .addHelpText(
      'after',
      '\nPrints the body: indented on a terminal, else as it came. Exit code 1 for\nHTTP 400 and above, a redirection, which is not followed, and a value that is\nnot there.',
    )
    .action((method: string, path: string, options: ApiOptions) =>
      perform(options, async ({ terminal, signal, file, onStart }) => {
        const { end, read, data } = options;
        if (read !== undefined) requireJsonPath(read);
        const { config } = await readSettings(file);
        const sent = data === undefined ? undefined : await readData(data);
        onStart('interrupted; what the application made of the request is not known');
        const answer = await request(config, { end, method, path, data: sent, signal });
        return show(answer, terminal, { isHead: method.toUpperCase() === 'HEAD', read });
      }),
    );
}

/** Prints an answer; the exit code. */
function show(
  answer: ApiAnswer,
  terminal: Terminal,
  { isHead, read }: { readonly isHead: boolean; readonly read: string | undefined },
): number {
  const { status, headers, redirection } = answer;
  const indented = process.stdout.isTTY;
  const isGood = status < 400 && redirection === undefined;
  if (isHead) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    print([`HTTP ${status}`, ...lines].join('\n'), terminal);
    terminal.json({ status, headers });
  } else if (read !== undefined && isGood) {
    const value = valueIn(answer, read);
    print(valueText(value, { indented }), terminal);
    terminal.json({ status, body: value });
  } else {
    print(bodyText(answer, { indented }), terminal);
    terminal.json({ status, body: bodyValue(answer) });
  }
  if (isGood) return 0;
  terminal.warn(`${terminal.style('bad', '✗')} ${answer.request} answered HTTP ${status}`);
  if (redirection !== undefined) terminal.warn(`  It points to ${redirection}, which was not asked.`);
  return 1;
}

/** What is no JSON may hold what a terminal acts on. */
function print(told: string, terminal: Terminal): void {
  if (told !== '') terminal.print(process.stdout.isTTY ? stripVTControlCharacters(told) : told);
}

async function readData(data: string): Promise<string> {
  if (data === '-') return text(process.stdin);
  if (!data.startsWith('@')) return data;
  const file = data.slice(1);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RestageError('usage', `${file} cannot be read: ${(error as Error).message}; nothing was sent`, {
      cause: error,
    });
  }
}
