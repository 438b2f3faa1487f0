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
