/**
 * What is known of notifications beyond the pages that were read: live changes, newest state of each. Pure but for
 * what it remembers; who looks at it is told once per frame at most, however many changes came.
 */

import type { Change, Job } from "../api/types";

export const REMEMBERED = 20_000;

export type Moved = Partial<Job> & Pick<Job, "status"> & { updatedAt: string };

/** The job as the change leaves it; `before` may be all or nothing of it. */
export function moved(before: Moved | undefined, change: Change): Moved {
  if (before && before.updatedAt > change.at) return before;
  return {
    ...before,
    ...(change.job ?? {}),
    status: change.status,
    updatedAt: change.at,
    ...(change.attempts === undefined ? {} : { attempts: change.attempts }),
    ...(change.lastError === undefined ? {} : { lastError: change.lastError }),
    ...(change.acknowledgedAt === undefined ? {} : { acknowledgedAt: change.acknowledgedAt }),
  };
}

/** A job that was read, with what is known since. */
export function brought(job: Job, known: Moved | undefined): Job {
  if (!known || known.updatedAt < (job.updatedAt ?? job.createdAt)) return job;
  return { ...job, ...known };
}

/** Whether a list with these filters shows it. */
export function matches(job: Job, filters: Record<string, string>): boolean {
  return (
    (filters.status === undefined || job.status === filters.status) &&
    (filters.type === undefined || job.type === filters.type) &&
    (filters.recipient === undefined || job.recipient === filters.recipient)
  );
}

/**
 * The rows of a list: those that were read, brought up to date, and those that came since. Newest first.
 *
 * `whole`: there is nothing older to be read; otherwise what is older than the last row is left to the next pages.
 */
export function rows(
  read: Job[],
  board: ReadonlyMap<string, Moved>,
  filters: Record<string, string>,
  whole: boolean,
): Job[] {
  const seen = new Set<string>();
  const listed: Job[] = [];
  for (const job of read) {
    if (seen.has(job.id)) continue;
    seen.add(job.id);
    const now = brought(job, board.get(job.id));
    if (matches(now, filters)) listed.push(now);
  }
  const oldest = whole ? "" : (read.at(-1)?.createdAt ?? "");
  const count = listed.length;
  for (const [id, known] of board) {
    if (known.createdAt === undefined || known.createdAt < oldest || seen.has(id)) continue;
    const job = { attempts: 0, ...known, id } as Job;
    if (matches(job, filters)) listed.push(job);
  }
  if (listed.length > count) listed.sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  return listed;
}

type Listener = () => void;

export class Board {
  private jobs = new Map<string, Moved>();
  private shown: ReadonlyMap<string, Moved> = this.jobs;
  private listeners = new Set<Listener>();
  private due = false;

  constructor(private readonly soon: (then: () => void) => void) {}

  take = (changes: Change[]): void => {
    for (const change of changes) {
      const next = moved(this.jobs.get(change.notificationId), change);
      this.jobs.delete(change.notificationId);
      this.jobs.set(change.notificationId, next);
    }
    for (const oldest of this.jobs.keys()) {
      if (this.jobs.size <= REMEMBERED) break;
      this.jobs.delete(oldest);
    }
    if (this.due || changes.length === 0) return;
    this.due = true;
    this.soon(this.show);
  };

  /** A new object whenever something changed, as React's `useSyncExternalStore` wants it. */
  snapshot = (): ReadonlyMap<string, Moved> => this.shown;

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private show = (): void => {
    this.due = false;
    this.shown = new Map(this.jobs);
    for (const listener of this.listeners) listener();
  };
}
