/** Which moment is looked at: a slider whose end is now, a field for an exact time, and from event to event. */

import { ChevronLeft, ChevronRight, History } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { local, placed, read, STEPS, stop, timeAt, written } from "../live/moment";
import { changed } from "../live/parameters";
import { full, precise, short } from "../live/times";

/** Milliseconds that the slider must rest before its time is asked for. */
const RESTS_MS = 150;

/** The moment in the URL, in milliseconds since 1970; null is now. */
export function useAt(): [number | null, (at: number | null) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = (at: number | null) =>
    setParameters((before) => changed(before, "at", at === null ? null : written(at)), { replace: true });
  return [read(parameters.get("at")), set];
}

interface Asked {
  at: number | null;
  /** The slider's ends, in milliseconds since 1970. */
  from: number;
  to: number;
  onChange: (at: number | null) => void;
  /** Times of events, to go from one to the next. */
  stops?: number[];
  /** What stands at the slider's right end. */
  end?: string;
  children?: ReactNode;
}

export function AsOf({ at, from, to, onChange, stops, end = "now", children }: Asked) {
  const id = useId();
  const [draft, draw] = useResting(at, onChange);
  const iso = draft === null ? null : written(draft);
  return (
    <section className="as-of" aria-label="As of">
      <div className="as-of-head">
        <label htmlFor={id} className="actions">
          <History size={15} aria-hidden />
          {iso === null ? "As it is now" : "As it was at"}
        </label>
        {iso === null ? null : (
          <time dateTime={iso} title={full(iso)}>
            <strong>{precise(iso)}</strong>
            {sameDay(draft) ? "" : ` on ${new Date(iso).toLocaleDateString()}`}
          </time>
        )}
        <div className="actions as-of-actions">
          {stops ? <Stepping stops={stops} at={draft} onChange={draw} /> : null}
          {children}
          {draft === null ? null : (
            <button type="button" className="button" data-small onClick={() => draw(null)}>
              Back to now
            </button>
          )}
        </div>
      </div>
      <input
        id={id}
        type="range"
        className="slider"
        min={0}
        max={STEPS}
        value={draft === null ? STEPS : placed(draft, from, to)}
        aria-valuetext={iso === null ? "now" : full(iso)}
        style={
          { "--filled": `${draft === null ? 100 : placed(draft, from, to) / 10}%` } as React.CSSProperties
        }
        onChange={(event) => draw(timeAt(Number(event.target.value), from, to))}
      />
      {stops ? <Stops stops={stops} from={from} to={to} /> : null}
      <div className="as-of-ends muted" aria-hidden>
        <span>{short(written(from))}</span>
        <span>{end}</span>
      </div>
    </section>
  );
}

/** A time to the second, for where a slider is too coarse. */
export function ExactTime({ at, onChange }: { at: number | null; onChange: (at: number) => void }) {
  return (
    <input
      type="datetime-local"
      className="select"
      aria-label="An exact time"
      step={1}
      max={local(Date.now())}
      value={at === null ? "" : local(at)}
      onChange={(event) => {
        const time = Date.parse(event.target.value);
        if (Number.isFinite(time)) onChange(Math.min(time, Date.now()));
      }}
    />
  );
}

function Stepping({
  stops,
  at,
  onChange,
}: {
  stops: number[];
  at: number | null;
  onChange: Asked["onChange"];
}) {
  const before = stop(stops, at, -1);
  const after = stop(stops, at, 1);
  const last = Math.max(...stops);
  return (
    <>
      <button
        type="button"
        className="button"
        data-small
        disabled={before === undefined}
        onClick={() => before !== undefined && onChange(before)}
      >
        <ChevronLeft size={15} aria-hidden /> Event before
      </button>
      <button
        type="button"
        className="button"
        data-small
        disabled={at === null}
        onClick={() => onChange(after === undefined || after === last ? null : after)}
      >
        Event after <ChevronRight size={15} aria-hidden />
      </button>
    </>
  );
}

function Stops({ stops, from, to }: { stops: number[]; from: number; to: number }) {
  return (
    <div className="stops" aria-hidden>
      {[...new Set(stops.map((time) => placed(time, from, to)))].map((place) => (
        <i key={place} style={{ left: `${place / 10}%` }} />
      ))}
    </div>
  );
}

/** What is drawn follows the hand at once; what is asked for waits until it rests. */
function useResting(at: number | null, onChange: Asked["onChange"]): [number | null, Asked["onChange"]] {
  const [draft, setDraft] = useState(at);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => setDraft(at), [at]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const draw = (next: number | null) => {
    setDraft(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onChange(next), RESTS_MS);
  };
  return [draft, draw];
}

function sameDay(at: number | null): boolean {
  return at !== null && new Date(at).toDateString() === new Date().toDateString();
}
