/** What the gateway answers, as in its OpenAPI pages. */

export const STATUSES = ["pending", "queued", "sending", "sent", "retrying", "failed", "suppressed"] as const;
export type Status = (typeof STATUSES)[number];

export const DIRECT = ["email", "sms", "push"] as const;
export const CHANNELS = [...DIRECT, "in-app"] as const;
export type Channel = (typeof CHANNELS)[number];

export type Priority = "transactional" | "promotional";

export interface Job {
  id: string;
  type: Channel;
  recipient: string;
  message: string;
  metadata?: Record<string, unknown> | null;
  status: Status;
  attempts: number;
  maxAttempts: number;
  lastError?: string | null;
  createdAt: string;
  updatedAt?: string;
  priority?: Priority;
  eventType?: string;
  actorId?: string;
  postId?: string;
  acknowledgedAt?: string;
  reason?: string;
  heldUntil?: string;
  duplicateOf?: string;
}

export interface StoryEntry {
  id: string;
  jobId: string;
  event: string;
  details: Record<string, unknown>;
  createdAt: string;
}

/** A status change, as told by the socket and the stream. */
export interface Change {
  notificationId: string;
  status: Status;
  at: string;
  attempts?: number;
  lastError?: string;
  lane?: string;
  acknowledgedAt?: string;
  job?: Pick<Job, "type" | "recipient" | "message" | "priority" | "maxAttempts" | "createdAt">;
}

export interface NewNotification {
  type: Channel;
  recipient: string;
  message: string;
  priority?: Priority;
  metadata?: Record<string, unknown>;
}

export type LetterState = "open" | "redriven" | "dropped";

export interface Letter {
  id: string;
  state: LetterState;
  reason: string;
  stages: string[];
  error: string;
  source: { name: string; partition?: number | null; offset?: number | null };
  size: number;
  truncated: boolean;
  preview: string | null;
  createdAt: string;
  updatedAt: string;
  history: { operation: string; time: string; by: string; why: string; target?: string | null }[];
}

export interface LetterCounts {
  states: Partial<Record<LetterState, number>>;
  reasons: Record<string, number>;
  stages: Record<string, number>;
}

/** `done` are ids, `refused` says why by id. */
export interface Handled {
  done: string[];
  refused: Record<string, string>;
}

export const SCOPES = ["actor", "recipient", "type"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Policy {
  scope: Scope;
  about: string;
  since: string;
  rateLimit?: number;
  rateWindow?: number;
  dedupeWindow?: number;
  by?: string;
  why?: string;
}

export type PolicyChange = Pick<Policy, "rateLimit" | "rateWindow" | "dedupeWindow" | "by" | "why">;

export interface Reading {
  group: string;
  topic: string;
  records: number;
  /** For how long the oldest of them has waited. */
  seconds: number;
}

export interface Overview {
  counts: Record<Status, number>;
  letters: number;
  /** Null as long as Kafka has not told. */
  reading: Reading[] | null;
  workers: Record<string, number>;
}

export interface Post {
  id: string;
  title: string;
  authorId: string;
  authorName: string;
}

export interface CauseStep {
  id: string;
  event: string;
  at: string;
  cause?: string | null;
  afterMs?: number | null;
  spent?: string | null;
  lateMs?: number | null;
  worker?: string | null;
  provider?: string | null;
  details?: Record<string, unknown>;
}

/** The causes and effects that are a notification's story, in log order. */
export interface Why {
  id: string;
  status: Status;
  tookMs: number;
  steps: CauseStep[];
  /** Missing if the settings alone held. */
  policies?: {
    id: string;
    scope: Scope;
    about: string;
    since: string;
    rateLimit?: number | null;
    rateWindow?: number | null;
    dedupeWindow?: number | null;
  }[];
}

/** Who wants something, and why. */
export interface Words {
  by: string;
  why: string;
}

export const ACTIVITIES = ["LIKE", "COMMENT", "SHARE", "FOLLOW", "MENTION"] as const;
export type Activity = (typeof ACTIVITIES)[number];

export interface QuietHours {
  from: string;
  to: string;
  zone: string;
  transactionalPasses: boolean;
}

export interface PreferencesChange extends Words {
  types: Partial<Record<Activity, boolean>>;
  channels: Partial<Record<Channel, boolean>>;
  mutedActors: string[];
  quietHours: QuietHours | null;
}

export interface Preferences extends PreferencesChange {
  recipient: string;
  /** Null if nothing was ever set. */
  since: string | null;
}

export type ReplayState = "counting" | "ready" | "running" | "paused" | "failed" | "done" | "cancelled";
export const REPLAY_VERBS = ["pause", "resume", "cancel"] as const;
export type ReplayVerb = (typeof REPLAY_VERBS)[number];

export interface Replay extends Words {
  id: string;
  state: ReplayState;
  order: {
    into: string;
    rate: number;
    preview?: boolean;
    selection: {
      since?: string;
      until?: string;
      recipientKey?: string;
      notification?: string;
      types?: string[];
      statuses?: string[];
    };
  };
  created: string;
  updated: string;
  /** By type; null until counted. */
  counts: Record<string, number> | null;
  total: number;
  delivered: number;
  error: string;
}

export interface ReplayAsked extends Words {
  into: string;
  from?: string;
  to?: string;
  recipient?: string;
  notification?: string;
  types?: string[];
  statuses?: string[];
  rate?: number;
  preview: boolean;
}

export interface ReadModel {
  name: string;
  copies: { name: string; version: number; is: "live" | "kept" | "shadow"; behind: number | null }[];
  /** The last rebuild of it, if there was one. */
  rebuild: Rebuild | null;
}

export interface Rebuild extends Words {
  state: "running" | "asking" | "done" | "refused" | "failed" | "silent";
  began: string;
  updated: string;
  part: string;
  count: number;
  total: number | null;
  folded: { events: number; seconds: number } | null;
  compared: Compared | null;
  moved: boolean;
  reasons: string[];
}

/** Two copies held against each other; the first differing documents field by field. */
export interface Compared {
  live: string;
  other: string;
  documents: { live: number; other: number };
  digests: { live: string; other: string };
  ahead: number;
  kinds: Record<string, number>;
  unexplained: number;
  first: { id: string; kind: string; fields: { name: string; live: string; other: string }[] }[];
}
