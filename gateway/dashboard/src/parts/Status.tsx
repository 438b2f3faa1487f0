/** The statuses, each with a colour, a word and a shape of its own. */

import { Ban, Check, CircleDashed, Layers, type LucideIcon, OctagonX, RotateCw, Send } from "lucide-react";
import type { CSSProperties } from "react";
import type { Status as Name } from "../api/types";

export const SHAPES: Record<Name, LucideIcon> = {
  pending: CircleDashed,
  queued: Layers,
  sending: Send,
  sent: Check,
  retrying: RotateCw,
  failed: OctagonX,
  suppressed: Ban,
};

export const tone = (name: string) => ({ "--tone": `var(--${name})` }) as CSSProperties;

export function Status({ name }: { name: Name }) {
  const Shape = SHAPES[name];
  return (
    <span className="badge" data-status={name} style={tone(name)}>
      <Shape size={14} strokeWidth={2.3} aria-hidden className={name === "sending" ? "beat" : undefined} />
      <span>{name}</span>
    </span>
  );
}
