/** What the AsyncAPI page needs of an AsyncAPI 3 document, and the lookups it does there. Pure. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
}

export interface Message {
  name: string;
  summary: string;
  payload: Schema;
  examples?: { payload: unknown }[];
}

export interface Channel {
  address: string;
  description: string;
  servers: { $ref: string }[];
  messages: Record<string, { $ref: string }>;
}

export interface Document {
  info: { description: string };
  channels: Record<string, Channel>;
  components: { messages: Record<string, Message>; schemas: Record<string, Schema> };
}

export const lastOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

/** What a reference stands for; anything else as it is. */
export function resolved(schema: Schema, document: Document): Schema {
  return schema.$ref ? (document.components.schemas[lastOf(schema.$ref)] ?? {}) : schema;
}

/** A schema in a word or two: `string`, `"LIKE" | "SHARE"`, `Request`, `integer or null`. */
export function kindOf(schema: Schema): string {
  if (schema.$ref) return lastOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return some.map(kindOf).join(" or ");
  if (schema.items) return `list of ${kindOf(schema.items)}`;
  const type = [schema.type ?? "anything"].flat().join(" or ");
  return schema.format ? `${type}, ${schema.format}` : type;
}

/** Those of the schema's fields that are objects of their own, by name of the type. */
export function parts(schema: Schema): string[] {
  const own = schema.$ref ? [lastOf(schema.$ref)] : [];
  return [
    ...own,
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap(
      parts,
    ),
  ];
}
