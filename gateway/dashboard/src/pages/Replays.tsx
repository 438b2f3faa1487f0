/** Events told again to a handler of somebody's: asked for, counted, begun, paused, ended. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  Ban,
  Check,
  CircleDashed,
  Hash,
  ListRestart,
  type LucideIcon,
  OctagonX,
  Pause,
  Play,
  Plus,
} from "lucide-react";
import { useState } from "react";
import { replays, sayReplay } from "../api/client";
import { REPLAY_VERBS, type Replay, type ReplayState, type ReplayVerb, type Words } from "../api/types";
import { duration } from "../live/story";
import { count, full, short } from "../live/times";
import { Answered } from "../parts/Answered";
import { Meter } from "../parts/Meter";
import { NewReplay } from "../parts/NewReplay";
import { Sheet } from "../parts/Sheet";
import { Empty, Fault } from "../parts/States";
import { tone } from "../parts/Status";
import { useToast } from "../parts/Toasts";
import { WordsForm } from "../parts/Words";

const WORKING: ReplayState[] = ["counting", "running"];
/** The states in which each can be said. */
const FROM: Record<ReplayVerb, ReplayState[]> = {
  pause: WORKING,
  resume: ["ready", "paused", "failed"],
  cancel: ["counting", "ready", "running", "paused", "failed"],
};
const LOOKS: Record<ReplayState, [LucideIcon, string]> = {
  counting: [Hash, "queued"],
  ready: [CircleDashed, "pending"],
  running: [Play, "sending"],
  paused: [Pause, "retrying"],
  failed: [OctagonX, "failed"],
  done: [Check, "sent"],
  cancelled: [Ban, "suppressed"],
};
const ABOUT: Record<ReplayVerb, string> = {
  pause: "It stops where it is, and can go on from there.",
  resume: "It goes on where it was.",
  cancel: "It ends where it is; what was told stays told.",
};

export function Replays() {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <div className="head">
        <div>
          <h1>Replays</h1>
          <p>
            Events of the log, told again to a collection, a topic or a webhook of yours. Nothing is sent.
          </p>
        </div>
        <button type="button" className="button" data-kind="main" onClick={() => setAsking(true)}>
          <Plus size={17} aria-hidden /> New replay
        </button>
      </div>
      <List ask={() => setAsking(true)} />
      <NewReplay open={asking} close={() => setAsking(false)} />
    </>
  );
}

function List({ ask }: { ask: () => void }) {
  const [wish, setWish] = useState<{ replay: Replay; verb: ReplayVerb } | null>(null);
  const close = () => setWish(null);
  const query = useQuery({
    queryKey: ["replays"],
    queryFn: replays,
    refetchInterval: ({ state: { data } }) =>
      data?.some(({ state }) => WORKING.includes(state)) ? 1_000 : 5_000,
  });
  const empty = (
    <Empty icon={ListRestart} title="Nothing was told again yet">
      <button type="button" className="button" data-kind="main" onClick={ask}>
        Ask for the first one
      </button>
    </Empty>
  );
  return (
    <>
      <Answered query={query} what="The replays are read" empty={empty}>
        {(found) => (
          <ul className="stack" aria-label="Replays">
            {found.map((replay) => (
              <li key={replay.id}>
                <One replay={replay} say={(verb) => setWish({ replay, verb })} />
              </li>
            ))}
          </ul>
        )}
      </Answered>
      <Sheet
        kind="dialog"
        open={wish !== null}
        close={close}
        title={wish ? `${title(wish.replay, wish.verb)} ${wish.replay.id}` : ""}
        about={wish ? ABOUT[wish.verb] : ""}
      >
        {wish ? <Say {...wish} close={close} /> : null}
      </Sheet>
    </>
  );
}

function One({ replay, say }: { replay: Replay; say: (verb: ReplayVerb) => void }) {
  const { order, state, total, delivered, counts } = replay;
  const [Shape, colour] = LOOKS[state];
  const left = (total - delivered) / order.rate;
  return (
    <article className="card" aria-label={`Replay ${replay.id}`}>
      <header className="replay">
        <span className="badge" data-status={colour} style={tone(colour)}>
          <Shape size={14} strokeWidth={2.3} aria-hidden />
          <span>{state}</span>
        </span>
        <strong className="target">{order.into}</strong>
        <div className="actions">
          {REPLAY_VERBS.filter((verb) => FROM[verb].includes(state)).map((verb) => (
            <button
              key={verb}
              type="button"
              className="button"
              data-small
              data-kind={verb === "resume" ? "main" : verb === "cancel" ? "grave" : undefined}
              onClick={() => say(verb)}
            >
              {title(replay, verb)}
            </button>
          ))}
        </div>
      </header>
      <div className="body">
        <p className="muted">
          {selected(replay)} · asked for{" "}
          <time dateTime={replay.created} title={full(replay.created)}>
            {short(replay.created)}
          </time>{" "}
          by {replay.by}
          {replay.why ? `: ${replay.why}` : ""} · <code>{replay.id}</code>
        </p>
        {counts === null ? (
          <p>The events are counted …</p>
        ) : (
          <>
            <Meter
              label={`Told of ${replay.id}`}
              value={delivered}
              of={total}
              told={`${count(delivered)} of ${count(total)} ${total === 1 ? "event" : "events"} told`}
              more={
                state === "running" || state === "ready"
                  ? `at most ${count(order.rate)} a second: ${duration(1000 * left)}`
                  : ""
              }
            />
            <ul className="tags" aria-label="Events by type">
              {Object.entries(counts).map(([type, number]) => (
                <li key={type} className="plain-tag">
                  {type} <strong>{count(number)}</strong>
                </li>
              ))}
            </ul>
          </>
        )}
        {replay.error ? <Fault>{replay.error}</Fault> : null}
      </div>
    </article>
  );
}

function Say({ replay, verb, close }: { replay: Replay; verb: ReplayVerb; close: () => void }) {
  const queries = useQueryClient();
  const toast = useToast();
  const saying = useMutation({
    mutationFn: (words: Words) => sayReplay(replay.id, verb, words),
    onSuccess: (now) => {
      queries.setQueryData<Replay[]>(["replays"], (all) =>
        all?.map((one) => (one.id === now.id ? now : one)),
      );
      toast(`${now.id} is ${now.state}.`);
      close();
    },
  });
  return (
    <WordsForm
      does={title(replay, verb)}
      grave={verb === "cancel"}
      pending={saying.isPending}
      error={saying.error}
      example="our importer is up again"
      say={saying.mutate}
      cancel={close}
    />
  );
}

function title({ state }: Replay, verb: ReplayVerb): string {
  if (verb === "resume" && state === "ready") return "Begin";
  return verb === "cancel" ? "End" : verb.charAt(0).toUpperCase() + verb.slice(1);
}

function selected({ order: { selection } }: Replay): string {
  const { since, until, recipientKey, notification, types, statuses } = selection;
  const parts = [
    types?.join(", "),
    statuses?.length ? `those that make something ${statuses.join(" or ")}` : "",
    recipientKey ? "of one recipient" : "",
    notification ? `of ${notification}` : "",
    since ? `from ${full(since)}` : "",
    until ? `to ${full(until)}` : "",
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "All events";
}
