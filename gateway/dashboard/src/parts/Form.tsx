/** What forms share: what the API found wrong with what was given, and the buttons below. */

import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { sentence } from "./States";

/** The faults of the fields that the form `shows`; in words, what is wrong if none of these is. */
export function faulty(
  error: Error | null,
  shows: readonly string[],
): { faults: Record<string, string>; elsewhere: string | null } {
  const faults = error instanceof ApiError ? error.fields : {};
  return { faults, elsewhere: error && !shows.some((name) => name in faults) ? sentence(error) : null };
}

interface Buttons {
  /** What the button says, and while it is done. */
  does: string;
  doing: string;
  pending: boolean;
  grave?: boolean | undefined;
  cancel?: () => void;
  children?: ReactNode;
}

export function Buttons({ does, doing, pending, grave, cancel, children }: Buttons) {
  return (
    <div className="actions">
      <button type="submit" className="button" data-kind={grave ? "grave" : "main"} disabled={pending}>
        {pending ? doing : does}
      </button>
      {cancel ? (
        <button type="button" className="button" data-kind="quiet" onClick={cancel}>
          Cancel
        </button>
      ) : null}
      {children}
    </div>
  );
}
