/** A story drawn twice: a strip on which lengths are times, and the steps one by one with what led to each. */

import { Clock } from "lucide-react";
import type { Status, StoryEntry } from "../api/types";
import { duration, type Part, parts, steps } from "../live/story";
import { full, short } from "../live/times";
import { markOf } from "./marks";
import { tone } from "./Status";

const KEYS = [
  { kind: "waiting", tone: "queued", name: "waiting" },
  { kind: "calling", tone: "sending", name: "provider called" },
  { kind: "resting", tone: "retrying", name: "until the retry" },
] as const;
const FINAL: Status[] = ["sent", "failed", "suppressed"];

export function Timeline({ entries, status }: { entries: StoryEntry[]; status: Status }) {
  if (entries.length === 0) return <p className="muted">It was accepted; nothing of it is on the log yet.</p>;
  const drawn = parts(entries);
  const open = !FINAL.includes(status);
  return (
    <>
      {drawn.length > 0 ? <Strip drawn={drawn} /> : null}
      <ol className="story">
        {steps(entries).map((step) => {
          const Mark = markOf(step.event);
          return (
            <li key={step.id} style={tone(step.tone)}>
              <span className="gap">{step.gap === null ? "" : `+${duration(step.gap)}`}</span>
              <span className="mark">
                <Mark size={14} strokeWidth={2.2} aria-hidden />
              </span>
              <div>
                <h3>{step.title}</h3>
                {step.cause ? <p>{step.cause}</p> : null}
                <time dateTime={step.at} title={full(step.at)}>
                  {short(step.at)}
                </time>
              </div>
            </li>
          );
        })}
        {open ? (
          <li style={tone("pending")}>
            <span className="gap" />
            <span className="mark">
              <Clock size={14} strokeWidth={2.2} className="beat" aria-hidden />
            </span>
            <div>
              <h3 className="muted">To be continued</h3>
            </div>
          </li>
        ) : null}
      </ol>
    </>
  );
}

function Strip({ drawn }: { drawn: Part[] }) {
  const total = drawn.reduce((sum, part) => sum + part.milliseconds, 0);
  const told = drawn.map((part) => `${duration(part.milliseconds)} ${part.what}`).join(", ");
  return (
    <figure style={{ margin: 0 }}>
      <div className="strip" role="img" aria-label={`${duration(total)} in all: ${told}`}>
        {drawn.map((part, index) => (
          <i
            // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place
            key={index}
            data-part={part.kind}
            title={`${duration(part.milliseconds)} ${part.what}`}
            style={{ ...tone(part.tone), flexGrow: part.milliseconds, flexBasis: 0 }}
          />
        ))}
      </div>
      <figcaption className="keys">
        <span>
          <strong className="big">{duration(total)}</strong> in all
        </span>
        {KEYS.filter(({ kind }) => drawn.some((part) => part.kind === kind)).map(
          ({ kind, tone: of, name }) => (
            <span key={kind} className="strip-key">
              <b className="strip" style={{ width: 14, height: 10, borderRadius: 3 }}>
                <i data-part={kind} style={{ ...tone(of), flex: 1 }} />
              </b>
              {name}
            </span>
          ),
        )}
      </figcaption>
    </figure>
  );
}
