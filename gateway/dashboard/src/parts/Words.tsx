/** Asks who wants something, and why: it goes on record. Who it was last is offered again. */

import type { FormEvent, ReactNode } from "react";
import type { Words } from "../api/types";
import { Field } from "./Field";
import { Buttons, faulty } from "./Form";
import { Fault } from "./States";

const WHO = "tidings-who";

export const lastWho = (): string => localStorage.getItem(WHO) ?? "";
export const rememberWho = (by: string): void => localStorage.setItem(WHO, by);

interface Asked {
  /** What the button says. */
  does: string;
  grave?: boolean | undefined;
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
  const { faults, elsewhere } = faulty(error, ["by", "why"]);
  return (
    <form className="form" onSubmit={submit}>
      <Field label="Who you are" name="by" defaultValue={lastWho()} fault={faults.by} required />
      <Field label="Why" name="why" placeholder={example} fault={faults.why} required />
      {elsewhere ? <Fault>{elsewhere}</Fault> : null}
      {children}
      <Buttons does={does} doing="Working …" pending={pending} grave={grave} cancel={cancel} />
    </form>
  );
}
