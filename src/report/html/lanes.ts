/** Something that took a while, in ms after the beginning of it all. */
export interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** It did not end well. */
  readonly failed?: boolean;
}

/** Times are told in whole milliseconds: the next one may seem to begin before the last one ended. */
const slackMs = 2;

/** Puts what did not overlap into one lane, in the order in which it began: as few lanes as ever ran side by side. */
export function inLanes(spans: readonly Span[]): Span[][] {
  const lanes: Span[][] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const free = lanes.find((lane) => (lane.at(-1)?.to ?? 0) <= span.from + slackMs);
    if (free) free.push(span);
    else lanes.push([span]);
  }
  return lanes;
}
