/** Changes in, throughput and latency of the last minutes out. */

import type { Change, Job } from "../api/types";

/** Notifications whose beginning or end is known, so that none counts twice. */
const REMEMBERED = 20_000;
export const SPAN_S = 180;
export const BUCKET_S = 3;

export interface Beat {
  /** The bucket's start, in seconds since 1970. */
  at: number;
  accepted: number;
  sent: number;
  failed: number;
  /** Milliseconds from accepted to sent, sorted. */
  latencies: number[];
}

/** The value below which that share of the sorted values lies; null of none. */
export function percentile(sorted: number[], share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? null;
}

export class Pulse {
  private beats = new Map<number, Beat>();
  private created = new Map<string, number>();
  private ended = new Set<string>();
  private seeded = false;

  /** What was read when the page opened, so that the charts begin with a past. */
  seed(jobs: Job[]): void {
    if (this.seeded) return;
    this.seeded = true;
    for (const job of jobs) {
      const created = Date.parse(job.createdAt);
      if (this.created.has(job.id)) continue;
      this.accept(job.id, created);
      if (job.updatedAt && (job.status === "sent" || job.status === "failed"))
        this.end(job.id, job.status, Date.parse(job.updatedAt));
    }
  }

  take(changes: Change[]): void {
    for (const change of changes) {
      if (change.job && !this.created.has(change.notificationId) && change.status !== "suppressed")
        this.accept(change.notificationId, Date.parse(change.job.createdAt));
      if ((change.status === "sent" || change.status === "failed") && change.acknowledgedAt === undefined)
        this.end(change.notificationId, change.status, Date.parse(change.at));
    }
  }

  /** One beat for each bucket of the span that ends now, oldest first; the present one is left out. */
  last(now: number): Beat[] {
    const end = Math.floor(now / 1000 / BUCKET_S) * BUCKET_S;
    const beats: Beat[] = [];
    for (let at = end - SPAN_S; at < end; at += BUCKET_S) beats.push(this.beats.get(at) ?? empty(at));
    for (const at of this.beats.keys()) if (at < end - SPAN_S) this.beats.delete(at);
    return beats;
  }

  private accept(id: string, created: number): void {
    this.created.set(id, created);
    forget(this.created);
    this.beat(created).accepted += 1;
  }

  private end(id: string, status: "sent" | "failed", at: number): void {
    if (this.ended.has(id)) return;
    this.ended.add(id);
    forget(this.ended);
    const beat = this.beat(at);
    beat[status] += 1;
    const created = this.created.get(id);
    if (status === "sent" && created !== undefined) insert(beat.latencies, at - created);
  }

  private beat(milliseconds: number): Beat {
    const at = Math.floor(milliseconds / 1000 / BUCKET_S) * BUCKET_S;
    const beat = this.beats.get(at) ?? empty(at);
    this.beats.set(at, beat);
    return beat;
  }
}

function forget(remembered: Map<string, unknown> | Set<string>): void {
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value as string);
}

function empty(at: number): Beat {
  return { at, accepted: 0, sent: 0, failed: 0, latencies: [] };
}

function insert(sorted: number[], value: number): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, value);
}
