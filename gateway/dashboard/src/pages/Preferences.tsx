/** What a recipient wants to get, and when: shown, set, and lifted. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserCog, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useSearchParams } from "wouter";
import { jobs, preferences, setPreferences } from "../api/client";
import { ACTIVITIES, CHANNELS, type Preferences as Held, type PreferencesChange } from "../api/types";
import { full, short } from "../live/times";
import { Answered } from "../parts/Answered";
import { Channel } from "../parts/Channel";
import { Field } from "../parts/Field";
import { Buttons, faulty } from "../parts/Form";
import { Recipient } from "../parts/Recipient";
import { Empty, Fault } from "../parts/States";
import { useToast } from "../parts/Toasts";
import { lastWho, rememberWho } from "../parts/Words";

const NIGHT = { from: "22:00", to: "07:00" };
const ZONES: string[] = Intl.supportedValuesOf("timeZone");
/** How many recipients are offered to be picked; the field completes more. */
const OFFERED = 8;
const SHOWN = ["quietHours.to", "quietHours.zone", "by", "why"];

export function Preferences() {
  const [parameters, setParameters] = useSearchParams();
  const lately = useLately();
  const recipient = parameters.get("recipient") ?? "";
  const choose = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const wanted = String(new FormData(event.currentTarget).get("recipient")).trim();
    if (wanted) setParameters({ recipient: wanted });
  };
  return (
    <>
      <div className="head">
        <div>
          <h1>Preferences</h1>
          <p>What a recipient does not want, and when not. It holds for all that is sent after the change.</p>
        </div>
      </div>
      <search>
        <form className="filters" onSubmit={choose} key={recipient}>
          <input
            className="input"
            style={{ maxWidth: 380 }}
            name="recipient"
            aria-label="Recipient"
            placeholder="A recipient, such as user2 or ada@example.org"
            defaultValue={recipient}
            autoComplete="off"
            list="lately"
          />
          <datalist id="lately">
            {lately.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <button type="submit" className="button">
            Show
          </button>
        </form>
      </search>
      {recipient ? (
        <Of key={recipient} recipient={recipient} />
      ) : (
        <div className="card">
          <Empty icon={UserCog} title="Whose?">
            Name a recipient. Who has set nothing gets everything, on every channel, at any time.
          </Empty>
          {lately.length ? (
            <ul className="tags lately" aria-label="Lately notified">
              {lately.slice(0, OFFERED).map((name) => (
                <li key={name} className="plain-tag">
                  <Recipient name={name} />
                </li>
              ))}
            </ul>
          ) : null}
        </div>
      )}
    </>
  );
}

/** The recipients of the newest notifications. */
function useLately(): string[] {
  const found = useQuery({ queryKey: ["lately"], queryFn: () => jobs({}, null) });
  return [...new Set(found.data?.rows.map((job) => job.recipient))];
}

function Of({ recipient }: { recipient: string }) {
  const queries = useQueryClient();
  const toast = useToast();
  const held = useQuery({ queryKey: ["preferences", recipient], queryFn: () => preferences(recipient) });
  const setting = useMutation({
    mutationFn: (wanted: PreferencesChange) => setPreferences(recipient, wanted),
    onSuccess: (now) => {
      queries.setQueryData(["preferences", recipient], now); // the read model has it a moment later
      toast(`It holds for ${recipient} from now on.`);
    },
  });
  return (
    <Answered query={held} what="The preferences are read">
      {(now) => (
        <Form
          key={now.since}
          held={now}
          pending={setting.isPending}
          error={setting.error}
          set={setting.mutate}
        />
      )}
    </Answered>
  );
}

interface FormAsked {
  held: Held;
  pending: boolean;
  error: Error | null;
  set: (wanted: PreferencesChange) => void;
}

function Form({ held, pending, error, set }: FormAsked) {
  const [types, setTypes] = useState(held.types);
  const [channels, setChannels] = useState(held.channels);
  const [muted, setMuted] = useState(held.mutedActors);
  const [quiet, setQuiet] = useState(held.quietHours !== null);
  const { faults, elsewhere } = faulty(error, SHOWN);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const text = (name: string) => String(given.get(name) ?? "").trim();
    rememberWho(text("by"));
    const hours = {
      from: text("from"),
      to: text("to"),
      zone: text("zone"),
      transactionalPasses: given.get("passes") === "on",
    };
    set({
      types,
      channels,
      mutedActors: muted,
      quietHours: quiet ? hours : null,
      by: text("by"),
      why: text("why"),
    });
  };
  return (
    <form className="split" onSubmit={submit}>
      <div className="form">
        <section className="card" aria-labelledby="wants">
          <header>
            <h2 id="wants">Wants to get</h2>
            <Since held={held} />
          </header>
          <div className="body wants">
            <Switches
              legend="Channels"
              names={CHANNELS}
              on={channels}
              set={(name, on) => setChannels({ ...channels, [name]: on })}
              show={(name) => <Channel name={name} />}
            />
            <Switches
              legend="Types of events"
              names={ACTIVITIES}
              on={types}
              set={(name, on) => setTypes({ ...types, [name]: on })}
              show={(name) => name.charAt(0) + name.slice(1).toLowerCase()}
            />
          </div>
        </section>
        <section className="card" aria-labelledby="muted">
          <header>
            <h2 id="muted">Muted actors</h2>
          </header>
          <div className="body">
            <Muted actors={muted} set={setMuted} />
          </div>
        </section>
      </div>
      <div className="form">
        <section className="card" aria-labelledby="quiet">
          <header>
            <h2 id="quiet">Quiet hours</h2>
          </header>
          <div className="body form">
            <Tick label="Every day" on={quiet} set={setQuiet} />
            {quiet ? <Hours held={held} faults={faults} /> : null}
          </div>
        </section>
        <section className="card" aria-label="Set them">
          <div className="body form">
            <Field label="Who you are" name="by" defaultValue={lastWho()} required fault={faults.by} />
            <Field label="Why" name="why" placeholder="too many at night" fault={faults.why} />
            {elsewhere ? <Fault>{elsewhere}</Fault> : null}
            <Buttons does="Set" doing="Setting …" pending={pending}>
              <button
                type="button"
                className="button"
                data-kind="quiet"
                onClick={() => {
                  setTypes(Object.fromEntries(ACTIVITIES.map((name) => [name, true])));
                  setChannels(Object.fromEntries(CHANNELS.map((name) => [name, true])));
                  setMuted([]);
                  setQuiet(false);
                }}
              >
                Everything on
              </button>
            </Buttons>
          </div>
        </section>
      </div>
    </form>
  );
}

function Since({ held }: { held: Held }) {
  if (held.since === null) return <span className="muted">nothing was ever set</span>;
  return (
    <span className="muted">
      since{" "}
      <time dateTime={held.since} title={full(held.since)}>
        {short(held.since)}
      </time>
      {held.by ? `, by ${held.by}` : ""}
      {held.why ? `: ${held.why}` : ""}
    </span>
  );
}

interface SwitchesAsked<Name extends string> {
  legend: string;
  names: readonly Name[];
  on: Partial<Record<Name, boolean>>;
  set: (name: Name, on: boolean) => void;
  show: (name: Name) => React.ReactNode;
}

function Switches<Name extends string>({ legend, names, on, set, show }: SwitchesAsked<Name>) {
  return (
    <fieldset className="switches">
      <legend>{legend}</legend>
      {names.map((name) => (
        <Tick key={name} label={show(name)} on={on[name] ?? true} set={(next) => set(name, next)} />
      ))}
    </fieldset>
  );
}

function Tick({ label, on, set }: { label: React.ReactNode; on: boolean; set: (on: boolean) => void }) {
  return (
    <label className="tick">
      <input type="checkbox" checked={on} onChange={(event) => set(event.target.checked)} />
      {label}
    </label>
  );
}

function Muted({ actors, set }: { actors: string[]; set: (actors: string[]) => void }) {
  const [text, setText] = useState("");
  const add = () => {
    const actor = text.trim();
    if (actor && !actors.includes(actor)) set([...actors, actor]);
    setText("");
  };
  return (
    <>
      <div className="actions">
        <input
          className="input"
          style={{ maxWidth: 240 }}
          aria-label="An actor to mute"
          placeholder="user7"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <button type="button" className="button" onClick={add}>
          Mute
        </button>
      </div>
      {actors.length === 0 ? (
        <p className="muted" style={{ marginTop: 10 }}>
          Nobody is muted.
        </p>
      ) : (
        <ul className="tags" aria-label="Muted">
          {actors.map((actor) => (
            <li key={actor}>
              {actor}
              <button
                type="button"
                aria-label={`Hear ${actor} again`}
                onClick={() => set(actors.filter((one) => one !== actor))}
              >
                <X size={14} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Hours({ held, faults }: { held: Held; faults: Record<string, string> }) {
  const hours = held.quietHours;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <div className="row">
        <Field label="From" name="from" type="time" required defaultValue={hours?.from ?? NIGHT.from} />
        <Field
          label="To"
          name="to"
          type="time"
          required
          defaultValue={hours?.to ?? NIGHT.to}
          fault={faults["quietHours.to"]}
        />
      </div>
      <Field
        label="Time zone"
        name="zone"
        list="zones"
        required
        defaultValue={hours?.zone ?? here}
        fault={faults["quietHours.zone"]}
      />
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <label className="tick">
        <input type="checkbox" name="passes" defaultChecked={hours?.transactionalPasses ?? true} />
        Transactional ones come all the same
      </label>
    </>
  );
}
