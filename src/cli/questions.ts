import type { Option } from '@clack/prompts';
import { RestageError } from '../index.ts';

/** Questions to whoever sits at the terminal. Each throws `interrupted` for Ctrl-C, Esc, and a terminal that was closed. */
export interface Questions {
  /** One of several; the cursor stands on `initial`. */
  choose<Value extends string>(message: string, options: readonly Choice<Value>[], initial?: Value): Promise<Value>;
  /** Any of several; those of `initial` are chosen already. */
  chooseAny<Value extends string>(
    message: string,
    options: readonly Choice<Value>[],
    initial: readonly Value[],
  ): Promise<readonly Value[]>;
  /** A line, trimmed; empty where nothing is typed. `problem` says what is wrong with it. */
  type(
    message: string,
    more?: { readonly initial?: string | undefined; readonly example?: string; readonly problem?: Problem },
  ): Promise<string>;
  agree(message: string, initial: boolean): Promise<boolean>;
  /** Between the questions. */
  tell(text: string): void;
  warn(text: string): void;
}

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label?: string;
  readonly hint?: string | undefined;
}

export type Problem = (text: string) => string | undefined;

/** Whether somebody is there to be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY && process.env['TERM'] !== 'dumb';
}

/** Asks on stderr: stdout is for the answer of the command. */
export async function openQuestions(signal: AbortSignal): Promise<Questions> {
  const clack = await import('@clack/prompts');
  const { stdin, stderr } = process;
  // A terminal that was closed can be set to nothing any more, and must not end the process for that.
  const setRawMode = stdin.setRawMode.bind(stdin);
  stdin.setRawMode = (mode) => {
    try {
      return setRawMode(mode);
    } catch {
      return stdin;
    }
  };
  const gone = new AbortController();
  stdin.once('end', () => gone.abort());
  if (stderr.columns === 0) stderr.columns = 80; // some do not say how wide they are
  const place = { output: stderr, signal: AbortSignal.any([signal, gone.signal]) };
  const answered = async <Value>(answer: Promise<Value | typeof clack.CANCEL_SYMBOL>): Promise<Value> => {
    const value = await answer;
    if (clack.isCancel(value) || place.signal.aborted)
      throw new RestageError('interrupted', 'interrupted; nothing was written');
    return value;
  };
  const shown = <Value extends string>(choices: readonly Choice<Value>[]) =>
    choices.map(({ value, label = value, hint }) => ({ value, label, ...(hint ? { hint } : {}) })) as Option<Value>[]; // a string's Option has these fields
  return {
    choose: (message, choices, initial) =>
      answered(
        clack.select({
          ...place,
          message,
          options: shown(choices),
          maxItems: 12,
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      ),
    chooseAny: (message, choices, initial) =>
      answered(
        clack.multiselect({
          ...place,
          message,
          options: shown(choices),
          initialValues: [...initial],
          maxItems: 12,
          required: false,
        }),
      ),
    type: async (message, { initial, example, problem } = {}) => {
      const typed: string | undefined = await answered(
        clack.text({
          ...place,
          message,
          ...(initial === undefined ? {} : { initialValue: initial }),
          ...(example === undefined ? {} : { placeholder: example }),
          validate: (text) => problem?.((text ?? '').trim()),
        }),
      );
      return (typed ?? '').trim();
    },
    agree: (message, initial) => answered(clack.confirm({ ...place, message, initialValue: initial })),
    tell: (text) => clack.log.info(text, place),
    warn: (text) => clack.log.warn(text, place),
  };
}
