import { expect, test } from 'vitest';
import { code, joined, markup, named, verbatim } from './markup.ts';

test('whatever is put into a template is text, in an element and in an attribute', () => {
  const text = `<b title="x">'&`;
  const escaped = '&lt;b title=&quot;x&quot;&gt;&#39;&amp;';
  expect(markup`<p class="${text}">${text}</p>`.markup).toBe(`<p class="${escaped}">${escaped}</p>`);
  expect(code(text).markup).toBe(`<code>${escaped}</code>`);
});

test('pieces of a page stay pieces, lists stand one after the other, and nothing is shown of undefined', () => {
  const items = ['a', '<', 3].map((item) => markup`<li>${item}</li>`);
  expect(markup`<ul>${items}${undefined}</ul>${verbatim('<hr>')}`.markup).toBe(
    '<ul><li>a</li><li>&lt;</li><li>3</li></ul><hr>',
  );
  expect(markup`${joined(['a', 'b', 'c'], ', ')}`.markup).toBe('a, b, c');
});

test('a name stands in one line and turns nothing around it', () => {
  expect(named('two\nlines\r\nthree\tfour').markup).toBe('<bdi>two↵lines↵three four</bdi>');
  expect(named('\u202egnp.exe\u0000\u0007').markup).toBe('<bdi>�gnp.exe��</bdi>');
  expect(named('half \ud800').markup).toBe('<bdi>half �</bdi>');
});
