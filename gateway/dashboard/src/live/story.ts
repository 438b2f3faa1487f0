/** A notification's log entries in; what happened, why, and how long each part took, out. Pure. */

import type { StoryEntry } from "../api/types";

export type Tone = "pending" | "queued" | "sending" | "sent" | "retrying" | "failed" | "suppressed";

export interface Step {
  id: string;
  event: string;
  at: string;
  /** Milliseconds since the step before; null for the first. */
  gap: number | null;
  title: string;
  cause: string;
  tone: Tone;
}

/** What it was doing between two steps: waiting for a slot, being called, resting until a retry. */
export interface Part {
  kind: "waiting" | "calling" | "resting";
  tone: Tone;
  milliseconds: number;
  what: string;
}

interface Told {
  title: string;
  cause: string;
  tone: Tone;
}

export function steps(entries: StoryEntry[]): Step[] {
  return entries.map((entry, index) => {
    const before = entries[index - 1];
    const gap = before ? Date.parse(entry.createdAt) - Date.parse(before.createdAt) : null;
    return { id: entry.id, event: entry.event, at: entry.createdAt, gap, ...told(entry, before) };
  });
}

export function parts(entries: StoryEntry[]): Part[] {
  const found: Part[] = [];
  entries.forEach((entry, index) => {
    const next = entries[index + 1];
    if (!next) return;
    const milliseconds = Math.max(Date.parse(next.createdAt) - Date.parse(entry.createdAt), 0);
    const part = PARTS[entry.event];
    if (part) found.push({ ...part, milliseconds });
  });
  return found;
}

/** 850 -> "850 ms", 1204 -> "1.2 s", 65000 -> "1 min 5 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

const PARTS: Record<string, Omit<Part, "milliseconds">> = {
  created: { kind: "waiting", tone: "queued", what: "accepted, being queued" },
  queued: { kind: "waiting", tone: "queued", what: "waiting for a slot" },
  sending: { kind: "calling", tone: "sending", what: "the provider is called" },
  retry_scheduled: { kind: "resting", tone: "retrying", what: "waiting until it is tried again" },
  deferred: { kind: "resting", tone: "queued", what: "put off by the provider" },
  lost: { kind: "resting", tone: "retrying", what: "waiting until it is tried again" },
  held: { kind: "resting", tone: "queued", what: "quiet hours" },
  redelivered: { kind: "waiting", tone: "queued", what: "waiting for a slot" },
};

function told(entry: StoryEntry, before: StoryEntry | undefined): Told {
  const { details } = entry;
  const dispatch = Number(details.dispatch ?? 0);
  switch (entry.event) {
    case "created":
      return {
        title: "Accepted",
        cause: `A request came in; its class is ${details.priority}.`,
        tone: "pending",
      };
    case "suppressed":
      return { title: "Suppressed", cause: suppression(details), tone: "suppressed" };
    case "queued":
      return {
        title: "Queued",
        cause: `It was accepted; it lies in the lane ${lane(details.lane)}.`,
        tone: "queued",
      };
    case "sending":
      return { title: `Attempt ${dispatch}`, cause: sendingCause(entry, before), tone: "sending" };
    case "sent":
      return { title: "Sent", cause: `The provider took attempt ${dispatch}.`, tone: "sent" };
    case "retry_scheduled":
      return {
        title: `Attempt ${dispatch} failed`,
        cause: `${details.error}. The next one may start ${duration(Number(details.delayMs))} later.`,
        tone: "retrying",
      };
    case "deferred":
      return {
        title: "Deferred",
        cause: "The provider asked to come again later; that costs no attempt.",
        tone: "queued",
      };
    case "lost":
      return {
        title: `No outcome of attempt ${dispatch}`,
        cause: "Its deadline passed in silence: it may have been delivered, and may be a second time.",
        tone: "retrying",
      };
    case "failed":
      return {
        title: "Failed for good",
        cause: `${details.attempts} attempts failed, the last: ${details.error}.`,
        tone: "failed",
      };
    case "withheld":
      return {
        title: "Withheld",
        cause: `Its recipient does not want it: ${details.reason}.`,
        tone: "suppressed",
      };
    case "held":
      return {
        title: "Held",
        cause: "Its recipient has quiet hours; it waits until they end.",
        tone: "queued",
      };
    case "redelivery_requested":
      return {
        title: "To be delivered once more",
        cause: `Asked for by ${details.by || "somebody"}: ${details.why}.`,
        tone: "pending",
      };
    case "redelivered":
      return {
        title: "Queued once more",
        cause: `With all its attempts; it lies in the lane ${lane(details.lane)}.`,
        tone: "queued",
      };
    case "redelivery_refused":
      return {
        title: "Not delivered once more",
        cause: `That was refused: ${details.reason}.`,
        tone: "suppressed",
      };
    case "acknowledged":
      return { title: "Acknowledged", cause: "The recipient has seen it.", tone: "sent" };
    default:
      return { title: entry.event.replaceAll("_", " "), cause: "", tone: "pending" };
  }
}

function sendingCause(entry: StoryEntry, before: StoryEntry | undefined): string {
  const worker = entry.details.worker ? ` Worker ${entry.details.worker} calls the provider.` : "";
  const due = before?.details.notBefore;
  if (typeof due !== "string") return `A slot was free.${worker}`;
  const late = Date.parse(entry.createdAt) - Date.parse(due);
  return `It came due, and started ${duration(Math.max(late, 0))} after that.${worker}`;
}

function lane(topic: unknown): string {
  return String(topic).replace("notification-attempts.", "");
}

function suppression(details: Record<string, unknown>): string {
  const of = details.duplicateOf ? ` It repeats ${details.duplicateOf}.` : "";
  return `It was not to be sent: ${details.reason}.${of}`;
}
