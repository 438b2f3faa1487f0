/** The form that asks for a notification; what the API finds wrong is shown at the field that it is about. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { create } from "../api/client";
import { Keys } from "../api/keys";
import { DIRECT, type NewNotification as Wanted } from "../api/types";
import { shortId } from "../live/times";
import { Channel } from "./Channel";
import { Choice } from "./Choice";
import { AreaField, Field } from "./Field";
import { Buttons, faulty } from "./Form";
import { Sheet } from "./Sheet";
import { Fault } from "./States";
import { useToast } from "./Toasts";

const PRIORITIES = ["transactional", "promotional"] as const;
const RECIPIENTS: Record<(typeof DIRECT)[number], string> = {
  email: "ada@example.org",
  sms: "+44 20 7946 0123",
  push: "device-4711",
};
const SHOWN = ["type", "recipient", "message", "priority", "metadata"];

export function NewNotification({ open, close }: { open: boolean; close: () => void }) {
  return (
    <Sheet
      open={open}
      close={close}
      title="New notification"
      about="Accepted at once, delivered with retries."
    >
      <Form close={close} />
    </Sheet>
  );
}

function Form({ close }: { close: () => void }) {
  const [type, setType] = useState<(typeof DIRECT)[number]>("email");
  const [priority, setPriority] = useState<(typeof PRIORITIES)[number]>("transactional");
  const [metadataFault, setMetadataFault] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  const keys = useRef(new Keys());
  const queries = useQueryClient();
  const toast = useToast();
  const asking = useMutation({
    mutationFn: (wanted: Wanted) => create(wanted, keys.current.of(wanted)),
    onSuccess: (job) => {
      toast(
        <>
          Accepted.{" "}
          <Link href={`/notifications/${encodeURIComponent(job.id)}`}>Follow {shortId(job.id)}</Link>
        </>,
      );
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      close();
    },
  });
  const { faults, elsewhere } = faulty(asking.error, SHOWN);
  useEffect(() => {
    if (asking.isError) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [asking.isError]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const [metadata, wrong] = parsed(String(given.get("metadata")));
    setMetadataFault(wrong);
    if (wrong !== undefined) return;
    const text = (name: string) => String(given.get(name));
    asking.mutate({
      type,
      priority,
      recipient: text("recipient"),
      message: text("message"),
      ...(metadata ? { metadata } : {}),
    });
  };

  return (
    <form className="form" onSubmit={submit} ref={form} noValidate>
      <Choice
        label="Type"
        value={type}
        options={DIRECT}
        onChange={setType}
        show={(one) => <Channel name={one} />}
      />
      <Field
        label="Recipient"
        name="recipient"
        placeholder={RECIPIENTS[type]}
        autoComplete="off"
        fault={faults.recipient}
      />
      <AreaField
        label="Message"
        name="message"
        rows={4}
        placeholder="Your parcel is on its way"
        fault={faults.message}
      />
      <Choice label="Class" value={priority} options={PRIORITIES} onChange={setPriority} />
      <AreaField
        label="Metadata"
        name="metadata"
        rows={2}
        className="input mono"
        placeholder='{"order": 4711}'
        hint="A JSON object to be kept with it; may be left empty."
        fault={metadataFault ?? faults.metadata}
      />
      {elsewhere ? <Fault>{elsewhere}</Fault> : null}
      <Buttons does="Send" doing="Sending …" pending={asking.isPending} cancel={close} />
    </form>
  );
}

function parsed(text: string): [Record<string, unknown> | undefined, string | undefined] {
  if (text.trim() === "") return [undefined, undefined];
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return [value as Record<string, unknown>, undefined];
  } catch {
    // told below, with the rest that is no object
  }
  return [undefined, 'must be a JSON object, such as {"order": 4711}'];
}
