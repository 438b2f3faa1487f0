/** The form that asks for a replay; it is counted first, and begun when its count was looked at. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { startReplay } from "../api/client";
import { type ReplayAsked, STATUSES } from "../api/types";
import { Field } from "./Field";
import { Buttons, faulty } from "./Form";
import { Sheet } from "./Sheet";
import { Fault } from "./States";
import { useToast } from "./Toasts";
import { lastWho, rememberWho } from "./Words";

const SHOWN = ["into", "types"];
const LIMITS = ["from", "to"] as const;
const TEXTS = ["recipient", "notification"] as const;

export function NewReplay({ open, close }: { open: boolean; close: () => void }) {
  return (
    <Sheet
      open={open}
      close={close}
      title="New replay"
      about="Tells events of the log again. It never sends a notification."
    >
      <Form close={close} />
    </Sheet>
  );
}

function Form({ close }: { close: () => void }) {
  const queries = useQueryClient();
  const toast = useToast();
  const asking = useMutation({
    mutationFn: startReplay,
    onSuccess: (replay) => {
      toast(`${replay.id} is being counted.`);
      void queries.invalidateQueries({ queryKey: ["replays"] });
      close();
    },
  });
  const { faults, elsewhere } = faulty(asking.error, SHOWN);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = asked(new FormData(event.currentTarget));
    rememberWho(given.by);
    asking.mutate(given);
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="Into"
        name="into"
        required
        placeholder="https://example.org/hooks/tidings"
        hint="collection:NAME, topic:NAME, or the URL of a webhook."
        autoComplete="off"
        fault={faults.into}
      />
      <Field label="From" name="from" type="datetime-local" step={1} />
      <Field label="To" name="to" type="datetime-local" step={1} />
      <Field label="Recipient" name="recipient" placeholder="ada@example.org" autoComplete="off" />
      <Field label="Notification" name="notification" placeholder="an id" autoComplete="off" />
      <Field
        label="Types of events"
        name="types"
        placeholder="sent, failed"
        hint="With commas between; empty for all."
        fault={faults.types}
      />
      <div className="row">
        <div className="field">
          <label htmlFor="replay-status">Status they give</label>
          <select id="replay-status" name="status" className="select">
            <option value="">Any</option>
            {STATUSES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <Field label="Events a second" name="rate" type="number" min={1} max={100_000} defaultValue={1000} />
      </div>
      <label className="tick">
        <input type="checkbox" name="preview" defaultChecked />
        Count first, and wait for me to begin it
      </label>
      <Field label="Who you are" name="by" defaultValue={lastWho()} required />
      <Field label="Why" name="why" placeholder="our importer was down" required />
      {elsewhere ? <Fault>{elsewhere}</Fault> : null}
      <Buttons does="Ask for it" doing="Asking …" pending={asking.isPending} cancel={close} />
    </form>
  );
}

/** What the form says; what was left empty is left out. */
function asked(given: FormData): ReplayAsked {
  const text = (name: string) => String(given.get(name) ?? "").trim();
  const wanted: ReplayAsked = {
    into: text("into"),
    preview: given.get("preview") === "on",
    by: text("by"),
    why: text("why"),
  };
  for (const name of LIMITS) if (text(name)) wanted[name] = new Date(text(name)).toISOString();
  for (const name of TEXTS) if (text(name)) wanted[name] = text(name);
  const types = text("types")
    .split(/[\s,]+/)
    .filter(Boolean);
  if (types.length) wanted.types = types;
  if (text("status")) wanted.statuses = [text("status")];
  if (text("rate")) wanted.rate = Number(text("rate"));
  return wanted;
}
