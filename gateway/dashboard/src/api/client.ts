/** Requests to the gateway; what it refuses comes out as an `ApiError` that knows which field was wrong. */

import { authorization } from "./bearer";
import { current, refused } from "./token";
import type {
  Handled,
  Job,
  Letter,
  LetterCounts,
  NewNotification,
  Overview,
  Policy,
  PolicyChange,
  Post,
  Preferences,
  PreferencesChange,
  ReadModel,
  Replay,
  ReplayAsked,
  ReplayVerb,
  Scope,
  Status,
  StoryEntry,
  Why,
  Words,
} from "./types";

const PATIENCE_MS = 20_000;

export class ApiError extends Error {
  constructor(
    message: string,
    /** 0: there was no answer. */
    readonly status: number,
    readonly fields: Record<string, string> = {},
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

export interface Page<Row> {
  rows: Row[];
  /** What the next page is asked for with, if there is one. */
  cursor: string | null;
}

/** Raises an `ApiError` if this token does not open what the dashboard shows. */
export const tried = async (token: string): Promise<void> => {
  await answered("/api/notifications/counts", {}, token);
};

export const jobs = (filters: Record<string, string>, cursor: string | null, limit = 100) =>
  page<Job>("/api/notifications", { ...filters, limit: String(limit), ...(cursor ? { cursor } : {}) });

export const job = (id: string, at: string | null = null) =>
  json<Job>(`${one(id)}${at ? `?${new URLSearchParams({ at })}` : ""}`);

/** How many were in each status then. */
export const counts = (at: string) =>
  json<Record<Status, number>>(`/api/notifications/counts?${new URLSearchParams({ at })}`);

export const why = (id: string) => json<Why>(`${one(id)}/why`);

/** Deliver it once more; the same key never does so twice. */
export const redeliver = (id: string, words: Words, key: string) =>
  json<{ redelivery: string }>(`${one(id)}/redeliver`, {
    method: "POST",
    body: words,
    headers: { "Idempotency-Key": key },
  });

export const story = (id: string) => json<StoryEntry[]>(`${one(id)}/log`);

export const create = (wanted: NewNotification, key: string) =>
  json<Job>("/api/notifications", { method: "POST", body: wanted, headers: { "Idempotency-Key": key } });

export const letters = (filters: Record<string, string>, cursor: string | null) =>
  page<Letter>("/api/dead-letters", { ...filters, limit: "50", ...(cursor ? { cursor } : {}) });

export const letterCounts = () => json<LetterCounts>("/api/dead-letters/counts");

export const handleLetters = (
  verb: "redrive" | "drop",
  asked: { ids: string[]; by: string; why: string; again?: boolean },
) => json<Handled>(`/api/dead-letters/${verb}`, { method: "POST", body: asked });

export const overview = () => json<Overview>("/api/overview");

export const policies = () => json<Policy[]>("/api/policies");

export const setPolicy = (scope: Scope, about: string, limits: PolicyChange) =>
  json<Policy>(`/api/policies/${scope}/${encodeURIComponent(about)}`, { method: "PUT", body: limits });

export const liftPolicy = (scope: Scope, about: string) =>
  json<Policy>(`/api/policies/${scope}/${encodeURIComponent(about)}`, { method: "DELETE" });

export const posts = () => json<Post[]>("/posts");

export const act = (event: { type: string; actorId: string; targetId: string; postId?: string }) =>
  json<{ id: string }>("/events", { method: "POST", body: event });

export const preferences = (recipient: string) => json<Preferences>(ofRecipient(recipient));

export const setPreferences = (recipient: string, wanted: PreferencesChange) =>
  json<Preferences>(ofRecipient(recipient), { method: "PUT", body: wanted });

export const replays = () => json<Replay[]>("/api/replays");

export const startReplay = (asked: ReplayAsked) =>
  json<Replay>("/api/replays", { method: "POST", body: asked });

export const sayReplay = (id: string, verb: ReplayVerb, words: Words) =>
  json<Replay>(`/api/replays/${encodeURIComponent(id)}/${verb}`, { method: "POST", body: words });

export const readModels = () => json<ReadModel[]>("/api/read-models");

const one = (id: string) => `/api/notifications/${encodeURIComponent(id)}`;
const ofRecipient = (recipient: string) => `/api/preferences/${encodeURIComponent(recipient)}`;

interface Asked {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function json<Answer>(path: string, asked: Asked = {}): Promise<Answer> {
  return (await answered(path, asked)).json() as Promise<Answer>;
}

async function page<Row>(path: string, parameters: Record<string, string>): Promise<Page<Row>> {
  const answer = await answered(`${path}?${new URLSearchParams(parameters)}`);
  return { rows: (await answer.json()) as Row[], cursor: cursorOf(answer.headers.get("Link")) };
}

/** The cursor in a Link header. */
export function cursorOf(link: string | null): string | null {
  const target = link?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
  return target ? new URL(target, "http://here").searchParams.get("cursor") : null;
}

async function answered(
  path: string,
  { method = "GET", body, headers = {} }: Asked = {},
  token = current().token,
): Promise<Response> {
  const kind: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, {
    method,
    headers: { ...headers, ...kind, ...authorization(token) },
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new ApiError(`Tidings does not answer (${(error as Error).message}).`, 0);
  });
  if (answer.ok) return answer;
  const error = await refusal(answer);
  if (error.status === 401) refused(token, error.message);
  throw error;
}

async function refusal(answer: Response): Promise<ApiError> {
  const told = (await answer.json().catch(() => ({}))) as {
    message?: string;
    details?: { field: string; message: string }[];
  };
  const fields = Object.fromEntries((told.details ?? []).map(({ field, message }) => [field, message]));
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  return new ApiError(
    told.message ?? `Unexpected answer ${answer.status}.`,
    answer.status,
    fields,
    retryAfter,
  );
}
