/** What is shown where there is nothing to show: not yet, not at all, or not without an error. */

import { type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";

export function Loading({ lines = 6, what }: { lines?: number; what: string }) {
  return (
    <div className="form" style={{ padding: 18 }} role="status">
      <span className="hidden-visually">{what} …</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={line} className="skeleton" style={{ width: `${88 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Empty({
  icon: Icon,
  title,
  children,
}: {
  icon: LucideIcon;
  title: string;
  children: ReactNode;
}) {
  return (
    <div className="state">
      <Icon size={26} strokeWidth={1.6} aria-hidden />
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function Failure({ error, again }: { error: Error; again: () => void }) {
  return (
    <div className="state" data-kind="failure" role="alert">
      <TriangleAlert size={26} strokeWidth={1.6} aria-hidden />
      <h2>This could not be read</h2>
      <p>{sentence(error)}</p>
      <button type="button" className="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

export function Fault({ children }: { children: ReactNode }) {
  return (
    <p className="fault" role="alert">
      <TriangleAlert size={15} aria-hidden style={{ flex: "none", marginTop: 2 }} />
      <span>{children}</span>
    </p>
  );
}

/** An error's text, with what to do about it if that is known. */
export function sentence(error: Error): string {
  const text = error.message.charAt(0).toUpperCase() + error.message.slice(1);
  if (!(error instanceof ApiError) || error.retryAfter === null) return text;
  return `${text}${/[.!]$/.test(text) ? "" : "."} Expected to work again in ${error.retryAfter} s.`;
}
