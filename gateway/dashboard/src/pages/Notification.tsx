/** One notification: what was asked for, where it stands or stood, and its story as a time line or a tree of causes. */

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, SearchX } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { Link, useSearchParams } from "wouter";
import { ApiError, job as readJob, story as readStory, why as readWhy } from "../api/client";
import type { Job, StoryEntry } from "../api/types";
import { brought } from "../live/board";
import { useBoard, useLive } from "../live/live";
import { written } from "../live/moment";
import { changed } from "../live/parameters";
import { full, shortId } from "../live/times";
import { Answered } from "../parts/Answered";
import { AsOf, useAt } from "../parts/AsOf";
import { Causes } from "../parts/Causes";
import { Channel } from "../parts/Channel";
import { Choice } from "../parts/Choice";
import { Recipient } from "../parts/Recipient";
import { Redeliver } from "../parts/Redeliver";
import { Empty, Failure, Fault, Loading, sentence } from "../parts/States";
import { Status } from "../parts/Status";
import { Timeline } from "../parts/Timeline";

/** Milliseconds after a change until the read models are asked, and between two questions until they have it. */
const SETTLES_MS = 400;
/**
 * Milliseconds between two questions while it is under way: what was told before the socket was there is not told again,
 * and may not have been read yet.
 */
const UNDER_WAY_MS = 2_000;
const ENDED: readonly string[] = ["sent", "failed", "suppressed"];
/** How often the causes are asked for until they have the last change. */
const WHY_ASKED = 50;
const VIEWS = ["Time line", "Causes"] as const;

export function Notification({ id }: { id: string }) {
  const { job, story, known } = useNotification(id);
  const [at, setAt] = useAt();
  const then = useQuery({
    queryKey: ["job", id, at],
    queryFn: () => readJob(id, at === null ? null : written(at)),
    enabled: at !== null,
    placeholderData: keepPreviousData,
  });
  if (job.isPending) return <Loading what="The notification is read" />;
  if (job.error instanceof ApiError && job.error.status === 404) {
    return (
      <Empty icon={SearchX} title="There is no such notification">
        <code>{id}</code> is not known here. <Link href="/">To the list</Link>
      </Empty>
    );
  }
  if (job.isError) return <Failure error={job.error} again={() => void job.refetch()} />;
  const now = brought(job.data, known);
  const shown = at === null ? now : then.data;
  const times = (story.data ?? []).map((entry) => Date.parse(entry.createdAt));
  const ends = [Date.parse(now.createdAt), ...times];
  return (
    <>
      <div className="head">
        <div>
          <Link href="/" className="muted actions">
            <ArrowLeft size={15} aria-hidden /> Notifications
          </Link>
          <h1 style={{ margin: "8px 0 6px" }}>{now.message}</h1>
          <div className="actions" aria-live="polite">
            {shown ? <Status name={shown.status} /> : null}
            <span className="muted">
              to <Recipient name={now.recipient} />
            </span>
          </div>
        </div>
        {at === null && redeliverable(now) ? <Redeliver job={now} /> : null}
      </div>
      {times.length > 1 ? (
        <div className="card as-of-card">
          <AsOf
            at={at}
            from={Math.min(...ends)}
            to={Math.max(...ends)}
            onChange={setAt}
            stops={times}
            end="as it is now"
          />
          {at !== null && then.isError ? <Fault>{sentence(then.error)}</Fault> : null}
        </div>
      ) : null}
      <div className="split">
        <Story id={id} story={story} job={shown} at={at} updated={now.updatedAt ?? now.createdAt} />
        {shown ? <Facts job={shown} /> : null}
      </div>
    </>
  );
}

/** It and its story, read again when it is told of. */
function useNotification(id: string) {
  const queries = useQueryClient();
  const { hear } = useLive();
  const known = useBoard().get(id);
  const before = (told: string | undefined, wanted: string | undefined) =>
    told !== undefined && wanted !== undefined && told < wanted;
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: () => readJob(id),
    meta: { live: true },
    refetchInterval: ({ state: { data } }) => {
      if (before(data?.updatedAt, known?.updatedAt)) return SETTLES_MS;
      return data && !ENDED.includes(data.status) ? UNDER_WAY_MS : false;
    },
  });
  const told = job.data?.updatedAt;
  const story = useQuery({
    queryKey: ["story", id],
    queryFn: () => readStory(id),
    meta: { live: true },
    refetchInterval: ({ state: { data } }) => {
      const last = data && (data.at(-1)?.createdAt ?? "");
      if (before(last, known?.updatedAt)) return SETTLES_MS;
      return before(last, told) ? UNDER_WAY_MS : false;
    },
  });
  useEffect(() => {
    let timer: number | undefined;
    const stop = hear((change) => {
      if (change.notificationId !== id) return;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        for (const what of ["job", "story", "why"]) void queries.invalidateQueries({ queryKey: [what, id] });
      }, SETTLES_MS);
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [id, hear, queries]);
  return { job, story, known };
}

interface Told {
  id: string;
  story: ReturnType<typeof useNotification>["story"];
  job: Job | undefined;
  at: number | null;
  /** When it last changed. */
  updated: string;
}

function Story({ id, story, job, at, updated }: Told) {
  const [parameters, setParameters] = useSearchParams();
  const view = VIEWS.find((name) => name === parameters.get("view")) ?? VIEWS[0];
  const show = (next: string) =>
    setParameters((before) => changed(before, "view", next === VIEWS[0] ? null : next), { replace: true });
  return (
    <section className="card" aria-labelledby="story">
      <header>
        <h2 id="story">Its story</h2>
        <Choice label="Told as" hidden value={view} options={VIEWS} onChange={show} />
      </header>
      <div className="body">
        {view === "Causes" ? (
          <Why id={id} at={at} updated={updated} />
        ) : (
          <Answered query={story} what="The story is read" bare>
            {(entries) => <Lines entries={entries} job={job} at={at} />}
          </Answered>
        )}
      </div>
    </section>
  );
}

function Lines({ entries, job, at }: { entries: StoryEntry[]; job: Job | undefined; at: number | null }) {
  if (at === null) return <Timeline entries={entries} status={job?.status ?? "pending"} />;
  const then = entries.filter((entry) => Date.parse(entry.createdAt) <= at);
  const later = entries.length - then.length;
  return (
    <>
      <Timeline entries={then} status="sent" />
      {later > 0 ? (
        <p className="muted">{later === 1 ? "One event came later." : `${later} events came later.`}</p>
      ) : null}
    </>
  );
}

/** Histories are folded a moment after the rest. */
function Why({ id, at, updated }: { id: string; at: number | null; updated: string }) {
  const why = useQuery({
    queryKey: ["why", id],
    queryFn: () => readWhy(id),
    meta: { live: true },
    refetchInterval: ({ state: { data, dataUpdateCount } }) =>
      data && dataUpdateCount < WHY_ASKED && (data.steps.at(-1)?.at ?? "") < updated ? SETTLES_MS : false,
  });
  return (
    <Answered query={why} what="The causes are read" bare>
      {(told) => <Causes why={told} at={at} />}
    </Answered>
  );
}

/** Whether to deliver it once more makes sense; the API has the last word. */
function redeliverable(job: Job): boolean {
  return (job.status === "sent" || job.status === "failed") && !job.acknowledgedAt;
}

function Facts({ job }: { job: Job }) {
  const facts: [string, ReactNode][] = [
    ["Id", <code key="id">{job.id}</code>],
    [
      "Type",
      <span key="type" className="actions">
        <Channel name={job.type} />
      </span>,
    ],
    ["Class", job.priority],
    ["Failed attempts", `${job.attempts} of ${job.maxAttempts}`],
    ["Last error", job.lastError],
    ["Created", full(job.createdAt)],
    ["Last change", job.updatedAt && full(job.updatedAt)],
    ["Acknowledged", job.acknowledgedAt && full(job.acknowledgedAt)],
    ["Event", job.eventType],
    ["By", job.actorId],
    ["Post", job.postId],
    ["Suppressed", job.reason],
    ["Held until", job.heldUntil && full(job.heldUntil)],
    [
      "Repeats",
      job.duplicateOf && <Link href={`/notifications/${job.duplicateOf}`}>{shortId(job.duplicateOf)}</Link>,
    ],
  ];
  return (
    <section className="card" aria-labelledby="facts">
      <header>
        <h2 id="facts">What is known</h2>
      </header>
      <div className="body">
        <dl className="facts">
          {facts.map(([name, value]) =>
            value ? (
              <div key={name} style={{ display: "contents" }}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ) : null,
          )}
        </dl>
        {job.metadata ? <pre className="preview">{JSON.stringify(job.metadata, null, 2)}</pre> : null}
      </div>
    </section>
  );
}
