/** One of a few, side by side: arrows move, as in a radio group. */

import { ToggleGroup } from "radix-ui";
import type { ReactNode } from "react";
import { useId } from "react";

interface Asked<Value extends string> {
  label: string;
  value: Value;
  options: readonly Value[];
  onChange: (value: Value) => void;
  show?: (value: Value) => ReactNode;
  /** The label is for screen readers only. */
  hidden?: boolean;
}

export function Choice<Value extends string>({
  label,
  value,
  options,
  onChange,
  show,
  hidden,
}: Asked<Value>) {
  const id = useId();
  return (
    <div className="field">
      <span className={hidden ? "hidden-visually" : "label"} id={id}>
        {label}
      </span>
      <ToggleGroup.Root
        type="single"
        className="choice"
        aria-labelledby={id}
        value={value}
        onValueChange={(next) => next && onChange(next as Value)}
      >
        {options.map((option) => (
          <ToggleGroup.Item key={option} value={option}>
            {show ? show(option) : option}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup.Root>
    </div>
  );
}
