/** The first of many names, and how many more there are: `a, b and 3 more`. */
export function someOf(names: readonly string[], most = 10): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
