/**
 * Status changes as they happen: over the socket, else as a stream of events, else asked for every 3 s. It falls back
 * at once and comes back by itself; what was missed meanwhile is what `onGap` is for.
 */

import { authorization, subject } from "../api/bearer";
import type { Change, Job } from "../api/types";
import { events } from "./events";

export type Way = "socket" | "stream" | "polling" | "connecting";

export const POLL_MS = 3_000;
export const CONFIRM_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export interface Hears {
  onChanges: (changes: Change[]) => void;
  onWay: (way: Way) => void;
  /** Changes may have been missed: read again. */
  onGap: () => void;
}

/** Milliseconds before the socket is tried for the nth time again. */
export function pause(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
}

/** What a list that was read again tells as changes; `known` are the last seen states. */
export function differences(known: Map<string, string>, jobs: Job[]): Change[] {
  const changes: Change[] = [];
  for (const job of jobs) {
    const state = `${job.status} ${job.attempts} ${job.acknowledgedAt ?? ""}`;
    if (known.get(job.id) === state) continue;
    known.set(job.id, state);
    const { id, status, attempts, type, recipient, message, maxAttempts, createdAt, lastError } = job;
    changes.push({
      notificationId: id,
      status,
      attempts,
      at: job.updatedAt ?? createdAt,
      job: { type, recipient, message, maxAttempts, createdAt },
      ...(lastError ? { lastError } : {}),
    });
  }
  return changes;
}

export class Feed {
  private way: Way = "connecting";
  private socket: WebSocket | null = null;
  private stream: AbortController | null = null;
  private poller: number | null = null;
  private retry: number | null = null;
  private tries = 0;
  private closed = false;
  private polled = new Map<string, string>();

  constructor(
    private readonly hears: Hears,
    private readonly list: () => Promise<Job[]>,
    /** Of who has signed in, or empty. */
    private readonly token: string,
  ) {}

  open = (): void => {
    this.closed = false;
    this.connect();
  };

  close = (): void => {
    this.closed = true;
    if (this.retry !== null) window.clearTimeout(this.retry);
    this.retry = null;
    this.dropSocket();
    this.stopFallbacks();
  };

  private connect(): void {
    this.retry = null;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    const deadline = window.setTimeout(() => this.lost(socket), CONFIRM_MS);
    const { token } = this;
    const subscribe = () => socket.send(JSON.stringify({ type: "SUBSCRIBE" }));
    socket.onopen = () => {
      if (token) socket.send(JSON.stringify({ type: "AUTH", userId: subject(token), token }));
      else subscribe();
    };
    socket.onclose = () => {
      window.clearTimeout(deadline);
      this.lost(socket);
    };
    socket.onmessage = (message: MessageEvent<string>) => {
      const frame = JSON.parse(message.data) as { type: string };
      if (frame.type === "STATUS") this.hears.onChanges([frame as unknown as Change]);
      else if (frame.type === "AUTHENTICATED") subscribe();
      else if (frame.type === "SUBSCRIBED") {
        window.clearTimeout(deadline);
        this.tries = 0;
        this.stopFallbacks();
        this.be("socket");
      } else if (frame.type === "ERROR") socket.close();
    };
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket || this.closed) return;
    this.dropSocket();
    this.retry = window.setTimeout(() => this.connect(), pause(this.tries++));
    if (this.stream === null && this.poller === null) this.fallBack();
  }

  private fallBack(): void {
    const stream = new AbortController();
    this.stream = stream;
    void this.listen(stream);
    if (this.way === "socket") this.be("connecting");
  }

  /** Until it ends, however it does. Trap: an `EventSource` has no headers, and so no token. */
  private async listen(stream: AbortController): Promise<void> {
    try {
      const headers = authorization(this.token);
      const answer = await fetch("/api/notifications/stream", { headers, signal: stream.signal });
      if (!answer.ok || !answer.body) throw new Error(`expected a stream, got ${answer.status}`);
      for await (const { name, data } of events(answer.body)) {
        if (this.stream !== stream) return;
        if (name === "message") this.hears.onChanges([JSON.parse(data) as Change]);
        else if (name === "open") {
          this.stopPolling();
          this.be("stream");
        }
      }
    } catch {
      // away, refused, or cut off: polling tells which
    }
    if (this.stream !== stream) return;
    this.stream = null;
    this.startPolling();
  }

  private startPolling(): void {
    if (this.poller !== null || this.closed) return;
    const ask = () => {
      this.list().then(
        (jobs) => {
          if (this.poller === null) return;
          this.hears.onChanges(differences(this.polled, jobs));
          this.be("polling");
        },
        () => this.poller !== null && this.be("connecting"),
      );
    };
    this.poller = window.setInterval(ask, POLL_MS);
    ask();
  }

  private stopPolling(): void {
    if (this.poller !== null) window.clearInterval(this.poller);
    this.poller = null;
    this.polled.clear();
  }

  private stopFallbacks(): void {
    this.stream?.abort();
    this.stream = null;
    this.stopPolling();
  }

  private dropSocket(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private be(way: Way): void {
    if (way === this.way) return;
    const before = this.way;
    this.way = way;
    this.hears.onWay(way);
    if (way !== "connecting" && (before === "connecting" || before === "polling")) this.hears.onGap();
  }
}
