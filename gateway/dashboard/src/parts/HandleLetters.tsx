/** Asks who wants it and why, then puts dead letters back or gives them up; what was refused is told one by one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { ApiError, handleLetters } from "../api/client";
import { count } from "../live/times";
import { Field } from "./Field";
import { Sheet } from "./Sheet";
import { Fault, sentence } from "./States";
import { useToast } from "./Toasts";

interface Asked {
  verb: "redrive" | "drop" | null;
  ids: string[];
  again: boolean;
  close: () => void;
}

const WHO = "tidings-who";
const ABOUT = {
  redrive: "Each original goes back to where it came from, as it was.",
  drop: "They are given up for good; they stay on record.",
};
const DONE = { redrive: "put back", drop: "dropped" };

export function HandleLetters({ verb, ids, again, close }: Asked) {
  const title = verb === "drop" ? "Drop" : "Redrive";
  return (
    <Sheet
      kind="dialog"
      open={verb !== null}
      onOpenChange={(open) => open || close()}
      title={`${title} ${count(ids.length)} ${ids.length === 1 ? "letter" : "letters"}`}
      about={verb ? ABOUT[verb] : ""}
    >
      {verb ? <Form verb={verb} ids={ids} again={again} close={close} /> : null}
    </Sheet>
  );
}

function Form({ verb, ids, again, close }: Asked & { verb: "redrive" | "drop" }) {
  const queries = useQueryClient();
  const toast = useToast();
  const handling = useMutation({
    mutationFn: ({ by, why }: { by: string; why: string }) =>
      handleLetters(verb, { ids, by, why, ...(again ? { again } : {}) }),
    onSuccess: ({ done, refused }) => {
      if (done.length) toast(`${count(done.length)} ${DONE[verb]}. The list follows within a second.`);
      for (const what of ["letters", "letter counts"]) void queries.invalidateQueries({ queryKey: [what] });
      if (Object.keys(refused).length === 0) close();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const [by, why] = [String(given.get("by")), String(given.get("why"))];
    localStorage.setItem(WHO, by);
    handling.mutate({ by, why });
  };
  const faults = handling.error instanceof ApiError ? handling.error.fields : {};
  const refused = Object.entries(handling.data?.refused ?? {});
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="Who you are"
        name="by"
        defaultValue={localStorage.getItem(WHO) ?? ""}
        fault={faults.by}
        required
      />
      <Field label="Why" name="why" placeholder="mended in 1.2" fault={faults.why} required />
      {handling.error && !faults.by && !faults.why ? <Fault>{sentence(handling.error)}</Fault> : null}
      {refused.map(([id, why]) => (
        <Fault key={id}>
          <code>{id}</code>: {why}
        </Fault>
      ))}
      <div className="actions">
        <button
          type="submit"
          className="button"
          data-kind={verb === "drop" ? "grave" : "main"}
          disabled={handling.isPending}
        >
          {handling.isPending ? "Working …" : verb === "drop" ? "Drop for good" : "Redrive"}
        </button>
        <button type="button" className="button" data-kind="quiet" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}
