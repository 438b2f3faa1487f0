/** One notification: what was asked for, where it stands, and its story as a time line. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, SearchX } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { ApiError, job as readJob, story as readStory } from "../api/client";
import type { Job } from "../api/types";
import { brought } from "../live/board";
import { useBoard, useLive } from "../live/live";
import { full, shortId } from "../live/times";
import { Channel } from "../parts/Channel";
import { Empty, Failure, Loading } from "../parts/States";
import { Status } from "../parts/Status";
import { Timeline } from "../parts/Timeline";

/** Milliseconds after a change until the read models are asked, and between two questions until they have it. */
const SETTLES_MS = 400;

export function Notification({ id }: { id: string }) {
  const queries = useQueryClient();
  const { hear } = useLive();
  const known = useBoard().get(id);
  const until = (told: string | undefined) =>
    told !== undefined && known !== undefined && told < known.updatedAt;
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: () => readJob(id),
    meta: { live: true },
    refetchInterval: ({ state: { data } }) => (until(data?.updatedAt) ? SETTLES_MS : false),
  });
  const story = useQuery({
    queryKey: ["story", id],
    queryFn: () => readStory(id),
    meta: { live: true },
    refetchInterval: ({ state: { data } }) =>
      until(data && (data.at(-1)?.createdAt ?? "")) ? SETTLES_MS : false,
  });
  useEffect(() => {
    let timer: number | undefined;
    const stop = hear((change) => {
      if (change.notificationId !== id) return;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        for (const what of ["job", "story"]) void queries.invalidateQueries({ queryKey: [what, id] });
      }, SETTLES_MS);
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [id, hear, queries]);

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
  return (
    <>
      <div className="head">
        <div>
          <Link href="/" className="muted actions">
            <ArrowLeft size={15} aria-hidden /> Notifications
          </Link>
          <h1 style={{ margin: "8px 0 6px" }}>{now.message}</h1>
          <div className="actions" aria-live="polite">
            <Status name={now.status} />
            <span className="muted">
              to <strong style={{ color: "var(--ink)", fontWeight: 560 }}>{now.recipient}</strong>
            </span>
          </div>
        </div>
      </div>
      <div className="split">
        <section className="card" aria-labelledby="story">
          <header>
            <h2 id="story">Its story</h2>
          </header>
          <div className="body">
            {story.isError ? (
              <Failure error={story.error} again={() => void story.refetch()} />
            ) : story.isPending ? (
              <Loading what="The story is read" />
            ) : (
              <Timeline entries={story.data} status={now.status} />
            )}
          </div>
        </section>
        <Facts job={now} />
      </div>
    </>
  );
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
