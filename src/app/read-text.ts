/** The body as text; undefined where it is longer than that, of which no more is read. */
export async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    // fetch gives bytes
    size += part.length;
    if (size > maxBytes) return undefined; // leaving the loop ends the transfer
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
