/** A labelled input, with a hint, and with what the API found wrong with it. */

import { type InputHTMLAttributes, type Ref, type TextareaHTMLAttributes, useId } from "react";
import { Fault } from "./States";

interface Labelled {
  label: string;
  hint?: string | undefined;
  fault?: string | undefined;
}

type Line = Labelled & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };
type Area = Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>;

export function Field({ label, hint, fault, ...input }: Line) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} className="input" aria-invalid={!!fault} aria-describedby={`${id}-about`} {...input} />
      <About id={id} hint={hint} fault={fault} />
    </div>
  );
}

export function AreaField({ label, hint, fault, ...area }: Area) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} className="input" aria-invalid={!!fault} aria-describedby={`${id}-about`} {...area} />
      <About id={id} hint={hint} fault={fault} />
    </div>
  );
}

function About({ id, hint, fault }: { id: string; hint: string | undefined; fault: string | undefined }) {
  return <div id={`${id}-about`}>{fault ? <Fault>{fault}</Fault> : hint ? <small>{hint}</small> : null}</div>;
}
