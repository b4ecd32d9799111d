import { tokensOf } from './sql-tokens.ts';

/** A token, or what stands in brackets. */
type Node = string | Group;
interface Group {
  readonly open: '(' | '[' | '';
  readonly nodes: readonly Node[];
}

/**
 * An expression, or a statement of expressions, as the server prints it, in one form for all that mean the same. A server that is
 * given what another printed prints it otherwise in some places, so that a restored database differs from its own dump:
 * the cast of a list becomes one of each of its elements, and what is joined by AND twice is joined once.
 */
export function alike(sql: string): string {
  if (/^[\w ]*$/.test(sql) && !sql.includes('  ')) return sql; // most columns: nothing to rewrite
  return printed(simplified(parsed(sql)));
}

function parsed(sql: string): Group {
  const stack: { open: Group['open']; nodes: Node[] }[] = [{ open: '', nodes: [] }];
  for (const { text, kind } of tokensOf(sql)) {
    const last = stack.at(-1);
    if (kind === 'comment' || !last) continue;
    if (kind === 'symbol' && (text === '(' || text === '[')) stack.push({ open: text, nodes: [] });
    else if (kind === 'symbol' && (text === ')' || text === ']') && stack.length > 1) {
      stack.pop();
      stack.at(-1)?.nodes.push(last);
    } else last.nodes.push(text);
  }
  // What was opened and not closed is closed at the end.
  for (let inner = stack.pop(); inner; inner = stack.pop()) {
    const outer = stack.at(-1);
    if (!outer) return inner;
    outer.nodes.push(inner);
  }
  return { open: '', nodes: [] };
}

function simplified({ open, nodes }: Group): Group {
  const inner = nodes.map((node) => (typeof node === 'string' ? node : simplified(node)));
  const done = flattened(flattened(castsInside(inner), 'AND'), 'OR');
  const [only] = done;
  return done.length === 1 && isGroup(only, '(') && open !== '[' ? { open, nodes: only.nodes } : { open, nodes: done };
}

/** `(ARRAY[a, b])::text[]` → `ARRAY[(a)::text, (b)::text]` */
function castsInside(nodes: readonly Node[]): Node[] {
  const done: Node[] = [];
  for (let at = 0; at < nodes.length; at += 1) {
    const node = nodes[at] ?? '';
    const list = isGroup(node, '(') && node.nodes.length === 2 && node.nodes[0] === 'ARRAY' ? node.nodes[1] : undefined;
    const type = isGroup(list, '[') && nodes[at + 1] === '::' ? elementType(nodes.slice(at + 2)) : undefined;
    if (!isGroup(list, '[') || !type) {
      done.push(node);
      continue;
    }
    const elements = split(list.nodes, ',').map((element): Node[] => [
      element.length === 1 && isGroup(element[0], '(') ? element[0] : { open: '(', nodes: element },
      '::',
      ...type,
    ]);
    done.push('ARRAY', { open: '[', nodes: elements.flatMap((one, index) => (index === 0 ? one : [',', ...one])) });
    at += type.length + 2; // the colons, the type, its brackets
  }
  return done;
}

/** The type that begins here, where it is one of arrays: without its brackets. */
function elementType(nodes: readonly Node[]): readonly Node[] | undefined {
  const end = nodes.findIndex((node) => isGroup(node, '['));
  const type = nodes.slice(0, Math.max(end, 0));
  const isType = type.every((node) => (typeof node === 'string' ? /^(?:[\w"\u0080-\uffff]|\.$)/.test(node) : true));
  const brackets = nodes[end];
  return type.length > 0 && isType && isGroup(brackets, '[') && brackets.nodes.length === 0 ? type : undefined;
}

/** `((a AND b) AND c)` → `(a AND b AND c)` */
function flattened(nodes: readonly Node[], word: 'AND' | 'OR'): Node[] {
  const operands = split(nodes, word);
  if (operands.length === 1 || nodes.includes(word === 'AND' ? 'OR' : 'AND')) return [...nodes];
  const flat = operands.map((operand) => {
    const [only] = operand;
    return operand.length === 1 && isGroup(only, '(') && joinsBy(only.nodes, word) ? only.nodes : operand;
  });
  return flat.flatMap((operand, index) => (index === 0 ? operand : [word, ...operand]));
}

function joinsBy(nodes: readonly Node[], word: 'AND' | 'OR'): boolean {
  const others = [word === 'AND' ? 'OR' : 'AND', 'SELECT', 'WITH', 'BETWEEN', ','];
  return nodes.includes(word) && !nodes.some((node) => typeof node === 'string' && others.includes(node));
}

function split(nodes: readonly Node[], at: string): Node[][] {
  const parts: Node[][] = [[]];
  for (const node of nodes) {
    if (node === at) parts.push([]);
    else parts.at(-1)?.push(node);
  }
  return parts;
}

function isGroup(node: Node | undefined, open: '(' | '['): node is Group {
  return typeof node === 'object' && node.open === open;
}

function printed({ open, nodes }: Group): string {
  const inner = nodes.map((node) => (typeof node === 'string' ? node : printed(node))).join(' ');
  return open === '' ? inner : `${open}${inner}${open === '(' ? ')' : ']'}`;
}
