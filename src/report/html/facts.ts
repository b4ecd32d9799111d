import { markup, type Markup, type Part } from './markup.ts';

/** Names and what is known under each; lines without a name go on below the one before them. */
export function facts(lines: readonly (readonly [name: string, told: Part])[]): Markup | undefined {
  if (lines.length === 0) return undefined;
  return markup`<dl class="facts">${lines.map(([name, told]) => markup`${name === '' ? undefined : markup`<dt>${name}</dt>`}<dd>${told}</dd>\n`)}</dl>`;
}
