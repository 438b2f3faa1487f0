/** Asks who wants something, and why: it goes on record. Who it was last is offered again. */

import type { FormEvent, ReactNode } from "react";
import { ApiError } from "../api/client";
import type { Words } from "../api/types";
import { Field } from "./Field";
import { Fault, sentence } from "./States";

const WHO = "tidings-who";

export const lastWho = (): string => localStorage.getItem(WHO) ?? "";
export const rememberWho = (by: string): void => localStorage.setItem(WHO, by);

interface Asked {
  /** What the button says, and while it is done. */
  does: string;
  grave?: boolean;
  pending: boolean;
  error: Error | null;
  example: string;
  say: (words: Words) => void;
  cancel: () => void;
  children?: ReactNode;
}

export function WordsForm({ does, grave, pending, error, example, say, cancel, children }: Asked) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const [by, why] = [String(given.get("by")).trim(), String(given.get("why")).trim()];
    rememberWho(by);
    say({ by, why });
  };
  const faults = error instanceof ApiError ? error.fields : {};
  return (
    <form className="form" onSubmit={submit}>
      <Field label="Who you are" name="by" defaultValue={lastWho()} fault={faults.by} required />
      <Field label="Why" name="why" placeholder={example} fault={faults.why} required />
      {error && !faults.by && !faults.why ? <Fault>{sentence(error)}</Fault> : null}
      {children}
      <div className="actions">
        <button type="submit" className="button" data-kind={grave ? "grave" : "main"} disabled={pending}>
          {pending ? "Working …" : does}
        </button>
        <button type="button" className="button" data-kind="quiet" onClick={cancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
