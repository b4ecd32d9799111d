/** What a piece of text means; a terminal shows it in colour, everything else leaves it as it is. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong';

export type Style = (tone: Tone, text: string) => string;

export const plain: Style = (_tone, text) => text;
