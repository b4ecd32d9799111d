/** Where PostgreSQL and SQLAlchemy quote values of rows beside an error. What has been left out already ends where it says so. */
const quoted: readonly (readonly [RegExp, string])[] = [
  [/(\bconflicts with existing key \([^\n]*?\) ?= ?)\((?!…\))(?:[\s\S]*\)|[^\n]*)/g, '$1(…)'],
  [/(\bKey \([^\n]*?\) ?= ?)\((?!…\))[^\n]*\)/g, '$1(…)'],
  [
    /(\bKey \([^\n]*?\) ?= ?)\((?!…\))[\s\S]*?\)(?= (?:already exists|is duplicated|is not present|is still referenced|conflicts with))/g,
    '$1(…)',
  ],
  [/(\bFailing row contains )\((?!…\))(?:[\s\S]*\)|[^\n]*)/g, '$1(…)'],
  [/(\[parameters: )[^\n]*/g, '$1…'],
  [/((?:invalid input (?:syntax|value) for|malformed \w+ literal|value out of range)[^"\n]*: )"[^\n]*"/g, '$1"…"'],
  [/\bvalue "[^\n]*" (is out of range for)/g, 'value "…" $1'],
];

/** The text without the values of rows that others' errors quote: they may be personal data. */
export function withoutRowValues(text: string): string {
  return quoted.reduce((rest, [form, words]) => rest.replaceAll(form, words), text);
}
