/** The look of the page: the system's own fonts, two palettes, three widths of paper. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c1f24; --soft: #565d68; --line: #dcdfe4; --wash: #f5f6f8;
  --accent: #2a5b8c; --good: #1c6a3a; --bad: #b0251c; --warn: #7d5200;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e5e8ec; --soft: #a2a9b4; --line: #343940; --wash: #1d2025;
    --accent: #86b4e2; --good: #7fce9b; --bad: #ff9b90; --warn: #e4b968;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 3rem; max-width: 72rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1 { margin: .25rem 0 .5rem; font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin: 0 0 .75rem; font-size: 1.2rem; line-height: 1.3; font-weight: 650; scroll-margin-top: 1rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; font-weight: 650; }
p { margin: 0 0 .75rem; max-width: 75ch; }
code { font: .875em/1.45 ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; overflow-wrap: anywhere; }
small { display: block; color: var(--soft); font-size: .8125rem; font-weight: 400; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.dim { color: var(--soft); font-weight: 400; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .none { color: var(--soft); }
.sign { font-weight: 550; }
.sign.plain, .sign.none { font-weight: 400; }
p > .sign, li > .sign { white-space: normal; }

.verdict { color: var(--ink); border-top: 4px solid; padding-top: 1.25rem; }
.verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); } .verdict.warn { border-color: var(--warn); }
.outcome { margin: 0; font-weight: 650; }
.verdict.good .outcome { color: var(--good); } .verdict.bad .outcome { color: var(--bad); } .verdict.warn .outcome { color: var(--warn); }
.outcome .dim { margin-left: .5rem; }
.shape {
  display: inline-grid; place-items: center; width: 1.5rem; height: 1.5rem; margin-right: .25rem;
  border: 1.5px solid; border-radius: 50%; font-size: .875rem; line-height: 1;
}
.holds { font-size: 1.0625rem; }

dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.25rem; margin: 1rem 0; }
dl.facts dt { color: var(--soft); grid-column: 1; }
dl.facts dd { margin: 0; grid-column: 2; overflow-wrap: anywhere; }

nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1.5rem 0 0; padding: .75rem 0; border: solid var(--line); border-width: 1px 0; }
section { margin-top: 2.5rem; }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
ul.detail { margin: .25rem 0 .75rem; padding-left: 1.25rem; }
td .detail { margin: .25rem 0 0; color: var(--soft); font-size: .875rem; }

.failure { border-left: 3px solid var(--bad); padding-left: 1rem; margin-bottom: 1.25rem; }
.failure h3 { margin-top: 0; }
.message { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 90ch; }
pre { margin: 0 0 1rem; padding: .75rem 1rem; background: var(--wash); font: .8125rem/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.hint { white-space: pre-wrap; overflow-wrap: anywhere; }

.data { margin: 1rem 0 1.5rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding-bottom: .375rem; }
th, td { text-align: left; vertical-align: top; padding: .4375rem 1rem .4375rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 550; font-size: .8125rem; white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 550; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; }
.wide { min-width: 18rem; }
table.fit { width: auto; }
table.fit th, table.fit td { padding-right: 2rem; }
table.stack { table-layout: fixed; }
table.stack td, table.stack th { overflow-wrap: anywhere; }
table.scroll tbody th { overflow-wrap: break-word; }
table.scroll tbody th bdi { display: inline-block; max-width: 18rem; }
table.fit tbody th bdi { max-width: 32rem; }
th button {
  font: inherit; color: inherit; background: none; border: 0; margin: 0; padding: 0 0 0 .125rem; cursor: pointer;
  text-decoration: underline dotted 1px; text-underline-offset: .2em;
}
th button:hover { color: var(--ink); }
th[aria-sort] button::after { content: '\\2195'; content: '\\2195' / ''; display: inline-block; width: 1em; text-align: center; opacity: .7; text-decoration: none; }
th[aria-sort=ascending] button, th[aria-sort=descending] button { color: var(--ink); text-decoration-style: solid; }
th[aria-sort=ascending] button::after { content: '\\2191'; content: '\\2191' / ''; opacity: 1; }
th[aria-sort=descending] button::after { content: '\\2193'; content: '\\2193' / ''; opacity: 1; }

.controls { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-bottom: .75rem; font-size: .9375rem; color: var(--soft); }
.controls[hidden], [hidden] { display: none; }
.controls input, .controls select, .more {
  font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 4px; padding: .25rem .5rem;
}
.controls input { width: 14rem; max-width: 100%; }
.more { cursor: pointer; }
.more:hover { background: var(--wash); }

.scale { display: flex; justify-content: space-between; max-width: none; margin-bottom: .25rem; color: var(--soft); font-size: .8125rem; }
ol.timeline { list-style: none; margin: 0; padding: 0; }
ol.timeline li {
  display: grid; grid-template: 'name bar time' auto 'told bar time' auto / minmax(0, 22rem) minmax(0, 1fr) 11rem; gap: 0 1.5rem;
  padding: .375rem 0; border-bottom: 1px solid var(--line); break-inside: avoid;
}
.name { grid-area: name; font-weight: 550; overflow-wrap: anywhere; }
.slow { font-size: .8125rem; font-weight: 550; color: var(--warn); }
.time { grid-area: time; display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; align-self: start; font-size: .875rem; text-align: right; }
.time .sign { font-weight: 400; }
.time .dim { grid-column: 1 / -1; font-size: .8125rem; }
.told { grid-area: told; color: var(--soft); font-size: .8125rem; line-height: 1.4; overflow-wrap: anywhere; }
.bar { grid-area: bar; align-self: center; display: block; width: 100%; height: .75rem; background: var(--wash); border-radius: 1px; }
.bar rect { fill: var(--accent); }
.bar rect.failed { fill: var(--bad); }
.scale { margin-left: 23.5rem; margin-right: 12.5rem; }

@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem 2rem; }
  h1 { font-size: 1.4375rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dt { font-size: .8125rem; margin-top: .5rem; }
  dl.facts dd { grid-column: 1; }
  table.fit th, table.fit td { padding-right: 1rem; }
  table.fit td:last-child:not(.n) { min-width: 8rem; }
  .controls input { width: 100%; }
  .controls label { width: 100%; }
  table.stack, table.stack tbody, table.stack tr, table.stack th, table.stack td { display: block; }
  table.stack caption { display: block; }
  table.stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.stack tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  table.stack tr[hidden] { display: none; }
  table.stack th, table.stack td { border: 0; padding: .125rem 0; }
  table.stack td:empty { display: none; }
  table.stack td::before { content: attr(data-head) ': '; content: attr(data-head) ': ' / ''; color: var(--soft); font-size: .8125rem; }
  ol.timeline li { grid-template: 'name time' auto 'bar bar' auto 'told told' auto / minmax(0, 1fr) auto; gap: .125rem .75rem; }
  .scale { margin-left: 0; margin-right: 0; }
}

@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --wash: #eee;
    --accent: #2a5b8c; --good: #14532d; --bad: #99201a; --warn: #5f3f00;
  }
  @page { margin: 15mm; }
  html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; }
  nav, .controls, .controls:not([hidden]) { display: none; }
  section { margin-top: 1.5rem; }
  h2, h3, caption { break-after: avoid; }
  tr, .failure { break-inside: avoid; }
  .scroll { overflow: visible; }
  .wide { min-width: 0; }
  table { font-size: .875rem; }
  th, td { padding: .25rem .5rem .25rem 0; }
  tbody tr[hidden], table.stack tbody tr[hidden] { display: table-row; }
  th button { text-decoration: none; padding: 0; }
  th[aria-sort] button::after { content: none; }
  .bar, .bar rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
`;
