/**
 * The steps of a story in, a tree of causes and effects out. Pure.
 *
 * What led to one thing only stands above it, since stories are mostly long chains; where one thing led to several, each
 * has its own consequences below it. `./tidings why` draws the same.
 */

import type { CauseStep } from "../api/types";
import type { Tone } from "./story";

export interface Branch {
  step: CauseStep;
  below: Branch[];
}

export function grown(steps: CauseStep[]): Branch[] {
  const known = new Set(steps.map(({ id }) => id));
  const led = new Map<string, CauseStep[]>();
  for (const step of steps) {
    if (!step.cause || !known.has(step.cause)) continue;
    led.set(step.cause, [...(led.get(step.cause) ?? []), step]);
  }
  const chain = (first: CauseStep): Branch[] => {
    const found: Branch[] = [{ step: first, below: [] }];
    let next = led.get(first.id) ?? [];
    for (let [only] = next; next.length === 1 && only; [only] = next) {
      found.push({ step: only, below: [] });
      next = led.get(only.id) ?? [];
    }
    const last = found.at(-1) as Branch;
    last.below = next.map((step) => ({ step, below: (led.get(step.id) ?? []).flatMap(chain) }));
    return found;
  };
  return steps.filter(({ cause }) => !cause || !known.has(cause)).flatMap(chain);
}

const TONES: Record<string, Tone> = {
  queued: "queued",
  redelivered: "queued",
  "send-deferred": "queued",
  sending: "sending",
  sent: "sent",
  acknowledged: "sent",
  "send-failed": "retrying",
  "send-lost": "retrying",
  "retry-scheduled": "retrying",
  failed: "failed",
  suppressed: "suppressed",
  withheld: "suppressed",
};

export const toneOf = (event: string): Tone => TONES[event] ?? "pending";

/** Details that are told in another way, or follow from the rest. */
const LEFT_OUT = ["dispatch", "deadline", "attempts", "notBefore", "obligation"];

/** What else is known of a step, in a few words each. */
export function details({ details: all = {} }: CauseStep): [string, string][] {
  return Object.entries(all)
    .filter(([name]) => !LEFT_OUT.includes(name))
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}
