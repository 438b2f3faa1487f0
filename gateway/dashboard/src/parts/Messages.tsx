/** The AsyncAPI document, channel by channel: who may speak there, and what each message looks like. */

import { useQuery } from "@tanstack/react-query";
import {
  type Channel,
  type Document,
  kindOf,
  lastOf,
  type Message,
  parts,
  resolved,
  type Schema,
} from "../api/asyncapi";
import { Failure, Loading } from "./States";

const SERVERS: Record<string, string> = {
  rabbitmq: "RabbitMQ queue",
  kafka: "Kafka topic",
  gateway: "WebSocket",
};
/** Objects in objects that are opened out. */
const DEEPEST = 3;

async function read(): Promise<Document> {
  const answer = await fetch("/asyncapi.json");
  if (!answer.ok) throw new Error(`expected /asyncapi.json, got ${answer.status}`);
  return answer.json() as Promise<Document>;
}

export function Messages() {
  const { data, error, refetch } = useQuery({
    queryKey: ["asyncapi"],
    queryFn: read,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <Failure error={error} again={() => void refetch()} />;
  if (!data) return <Loading what="The document is read" />;
  return (
    <div className="form">
      <p>{data.info.description}</p>
      {Object.entries(data.channels).map(([name, channel]) => (
        <section key={name} className="card" aria-label={channel.address}>
          <header>
            <h2 className="mono">{channel.address}</h2>
            <span className="muted">{server(channel)}</span>
          </header>
          <div className="body">
            <p className="muted" style={{ marginBottom: 10 }}>
              {channel.description}
            </p>
            {Object.values(channel.messages).map(({ $ref }) => {
              const message = data.components.messages[lastOf($ref)];
              return message ? <One key={$ref} message={message} document={data} /> : null;
            })}
          </div>
        </section>
      ))}
    </div>
  );
}

function One({ message, document }: { message: Message; document: Document }) {
  return (
    <details className="described">
      <summary>
        <code>{message.name}</code> <span className="muted">{message.summary}</span>
      </summary>
      <Fields schema={message.payload} document={document} depth={0} />
      {message.examples?.map((example) => (
        <pre key={message.name} className="preview">
          {JSON.stringify(example.payload, null, 2)}
        </pre>
      ))}
    </details>
  );
}

function Fields({ schema, document, depth }: { schema: Schema; document: Document; depth: number }) {
  const { properties = {}, required = [] } = resolved(schema, document);
  return (
    <ul className="schema">
      {Object.entries(properties).map(([name, field]) => (
        <li key={name}>
          <code>{name}</code>
          {required.includes(name) ? "" : "?"} <span className="muted">{kindOf(field)}</span>
          {field.description ? <span className="muted"> – {field.description}</span> : null}
          {depth < DEEPEST
            ? parts(field).map((part) => (
                <Fields key={part} schema={{ $ref: `/${part}` }} document={document} depth={depth + 1} />
              ))
            : null}
        </li>
      ))}
    </ul>
  );
}

const server = (channel: Channel) => {
  const name = lastOf(channel.servers[0]?.$ref ?? "");
  return SERVERS[name] ?? name;
};
