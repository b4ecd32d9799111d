import { markup, type Markup, type Part } from './markup.ts';

/** One line, or several as a list; nothing of none. */
export function list(items: readonly Part[]): Markup | undefined {
  if (items.length === 0) return undefined;
  if (items.length === 1) return markup`<p class="detail">${items[0]}</p>`;
  return markup`<ul class="detail">${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}
