import * as z from 'zod';
import { schema } from './config-schema.ts';

/** The JSON Schema of restage.yaml, for editors. */
export function configSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { $schema, title: 'restage.yaml', ...rest };
}

/** The keys that the schema knows at a path. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  interface Node {
    readonly properties?: Record<string, Node>;
    readonly items?: Node;
    readonly additionalProperties?: Node;
    readonly anyOf?: readonly Node[];
    readonly $ref?: string;
  }
  const root = configSchema() as Node & { readonly $defs?: Record<string, Node> }; // the JSON Schema of objects, arrays and records has this shape
  const follow = (node: Node | undefined) =>
    node?.$ref === undefined ? node : root.$defs?.[node.$ref.replace('#/$defs/', '')];
  // Of alternatives the map that goes on so.
  const mapIn = (some: Node | undefined, step?: string) => {
    const maps = some?.anyOf?.map(follow).filter((one) => one?.properties) ?? [];
    return maps.find((one) => step !== undefined && one?.properties?.[step]) ?? maps[0] ?? some;
  };
  let node: Node | undefined = root;
  for (const step of path) {
    const map = mapIn(node, String(step));
    const list = [node, ...(node?.anyOf?.map(follow) ?? [])].find((one) => one?.items);
    node = follow(
      typeof step === 'number' ? list?.items : (map?.properties?.[String(step)] ?? map?.additionalProperties),
    );
  }
  return Object.keys(mapIn(node)?.properties ?? {});
}
