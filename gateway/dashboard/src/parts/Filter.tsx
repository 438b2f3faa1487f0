/** A list narrowed to one of a few values, or to none of them. */

import type { ReactNode } from "react";

interface Asked {
  name: string;
  values: readonly string[];
  value: string | undefined;
  /** Stands for no value; without it there is always one. */
  all?: string;
  show?: (value: string) => ReactNode;
  onChange: (name: string, value: string) => void;
}

export function Filter({ name, values, value, all, show, onChange }: Asked) {
  return (
    <select
      className="select"
      aria-label={name}
      data-set={all !== undefined && value !== undefined}
      value={value ?? ""}
      onChange={(event) => onChange(name, event.target.value)}
    >
      {all === undefined ? null : <option value="">{all}</option>}
      {values.map((one) => (
        <option key={one} value={one}>
          {show ? show(one) : one}
        </option>
      ))}
    </select>
  );
}
