/** Plays a recipient: connects as a user, hears what comes, acknowledges it, and resumes after a cut. */

import { ArrowDown, ArrowUp, Check, Inbox, Plug, Unplug } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useSearchParams } from "wouter";
import { current } from "../api/token";
import { type Box, Mailbox as Client } from "../live/mailbox";
import { full, short } from "../live/times";
import { Act } from "../parts/Act";
import { Field } from "../parts/Field";
import { Empty, Fault } from "../parts/States";

export function Mailbox() {
  const client = useMemo(() => new Client(), []);
  const box = useSyncExternalStore(client.subscribe, client.snapshot);
  const [parameters, setParameters] = useSearchParams();
  const user = parameters.get("user") ?? "user2";
  const [last, setLast] = useState<string | null>(null);
  useEffect(() => client.close, [client]);
  const connect = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const wanted = String(given.get("user")).trim();
    client.open(wanted, String(given.get("token")).trim() || current().token, wanted !== last);
    setLast(wanted);
    setParameters({ user: wanted }, { replace: true });
  };
  return (
    <>
      <div className="head">
        <div>
          <h1>Mailbox</h1>
          <p>
            Be a recipient: what waits comes at once, what is new comes as it happens, and a cut loses
            nothing.
          </p>
        </div>
      </div>
      <div className="split">
        <div className="form">
          <section className="card" aria-label="Connection">
            <div className="body">
              <form className="actions" onSubmit={connect} style={{ alignItems: "flex-end" }}>
                <div style={{ flex: "1 1 120px" }}>
                  <Field label="User" name="user" defaultValue={user} required />
                </div>
                <div style={{ flex: "1 1 120px" }}>
                  <Field
                    label="Token"
                    name="token"
                    placeholder={current().token ? "yours" : "if one is needed"}
                    autoComplete="off"
                  />
                </div>
                <Plugs box={box} resumes={last !== null && box.epoch !== ""} close={client.close} />
              </form>
              <State box={box} user={last} />
            </div>
          </section>
          <section className="card" aria-label="Messages">
            <Messages box={box} acknowledge={client.acknowledge} />
          </section>
        </div>
        <div className="form">
          <section className="card" aria-labelledby="act">
            <header>
              <h2 id="act">Make something happen</h2>
            </header>
            <div className="body">
              <Act target={last ?? user} />
            </div>
          </section>
          <Frames box={box} />
        </div>
      </div>
    </>
  );
}

function Plugs({ box, resumes, close }: { box: Box; resumes: boolean; close: () => void }) {
  if (box.state !== "closed") {
    return (
      // A key of its own: as the same element it would be a submit button before its click is done with.
      <button key="cut" type="button" className="button" onClick={close} style={{ marginBottom: 5 }}>
        <Unplug size={16} aria-hidden /> Cut
      </button>
    );
  }
  return (
    <button key="plug" type="submit" className="button" data-kind="main" style={{ marginBottom: 5 }}>
      <Plug size={16} aria-hidden /> {resumes ? "Resume" : "Connect"}
    </button>
  );
}

function State({ box, user }: { box: Box; user: string | null }) {
  const told = {
    closed: user ? `Cut. ${box.epoch ? `It resumes after position ${box.position}.` : ""}` : "Not connected.",
    opening: "Connecting …",
    open: `Connected as ${user}, at position ${box.position}. ${recovery(box)}`,
  }[box.state];
  return (
    <div style={{ marginTop: 12 }} role="status">
      <span className="muted">{told}</span>
      {box.error ? <Fault>{box.error}</Fault> : null}
    </div>
  );
}

function recovery({ recovered }: Box): string {
  if (recovered === null) return "";
  return recovered
    ? "Resumed: only what was missed came."
    : "Too much had passed to resume: all that waits came again.";
}

function Messages({ box, acknowledge }: { box: Box; acknowledge: (id: string) => void }) {
  if (box.items.length === 0) {
    return (
      <Empty icon={Inbox} title="Nothing is here">
        {box.state === "open"
          ? "What comes to this user is shown the moment it comes."
          : "Connect to hear what waits."}
      </Empty>
    );
  }
  return (
    <ul aria-live="polite">
      {box.items.map((item) => (
        <li key={item.notificationId} className="mail" data-read={item.read}>
          <div>
            <div>{item.message}</div>
            <time className="muted" dateTime={item.timestamp} title={full(item.timestamp)}>
              {short(item.timestamp)}
              {item.eventType ? ` · ${item.eventType.toLowerCase()}` : ""}
            </time>
          </div>
          {item.read ? (
            <span className="badge" style={{ "--tone": "var(--sent)" } as React.CSSProperties}>
              <Check size={14} aria-hidden /> acknowledged
            </span>
          ) : (
            <button
              type="button"
              className="button"
              data-small
              disabled={box.state !== "open"}
              onClick={() => acknowledge(item.notificationId)}
            >
              Acknowledge
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function Frames({ box }: { box: Box }) {
  const list = useRef<HTMLUListElement>(null);
  return (
    <section className="card" aria-labelledby="frames">
      <header>
        <h2 id="frames">On the wire</h2>
      </header>
      <div className="body">
        {box.frames.length === 0 ? <p className="muted">Every frame of the socket is shown here.</p> : null}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it too */}
        <ul className="frames" ref={list} tabIndex={0} aria-label="Frames, newest first">
          {box.frames.map(({ number, mine, text }) => (
            <li key={number}>
              {mine ? <ArrowUp size={14} aria-label="sent" /> : <ArrowDown size={14} aria-label="heard" />}
              <span>{text}</span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
