/** What could not be handled: looked at, put back, or given up. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { MailCheck } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "wouter";
import { letterCounts, letters } from "../api/client";
import type { Letter, LetterState } from "../api/types";
import { changed } from "../live/parameters";
import { count, full, short } from "../live/times";
import { Answered } from "../parts/Answered";
import { Filter } from "../parts/Filter";
import { HandleLetters } from "../parts/HandleLetters";
import { Empty } from "../parts/States";

const STATES: LetterState[] = ["open", "redriven", "dropped"];
const VERBS = [
  ["redrive", "Redrive", "main"],
  ["drop", "Drop", "grave"],
] as const;
type Verb = (typeof VERBS)[number][0];

export function Letters() {
  const [parameters, setParameters] = useSearchParams();
  const state = parameters.get("state") ?? "open";
  const reason = parameters.get("reason") || undefined;
  const counts = useQuery({ queryKey: ["letter counts"], queryFn: letterCounts, refetchInterval: 5_000 });
  const reasons = new Set([...Object.keys(counts.data?.reasons ?? {}), ...(reason ? [reason] : [])]);
  const set = (name: string, value: string) => setParameters((before) => changed(before, name, value));
  return (
    <>
      <div className="head">
        <div>
          <h1>Dead letters</h1>
          <p>What no stage could handle, with its reason and the original. Nothing is dropped silently.</p>
        </div>
      </div>
      <div className="filters">
        <Filter
          name="state"
          values={STATES}
          value={state}
          show={(name) => `${name} (${count(counts.data?.states[name as LetterState] ?? 0)})`}
          onChange={set}
        />
        <Filter name="reason" all="Any reason" values={[...reasons]} value={reason} onChange={set} />
      </div>
      <List key={`${state} ${reason}`} filters={{ state, ...(reason ? { reason } : {}) }} />
    </>
  );
}

function List({ filters }: { filters: Record<string, string> }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [verb, setVerb] = useState<Verb | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["letters", filters],
    queryFn: ({ pageParam }) => letters(filters, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    select: ({ pages }) => pages.flatMap((page) => page.rows),
    refetchInterval: 5_000,
  });
  const ids = (query.data ?? []).map((letter) => letter.id).filter((id) => chosen.has(id));
  const toggle = (id: string) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const empty = (
    <Empty icon={MailCheck} title="There is none">
      {filters.state === "open"
        ? "Everything that came in could be handled, or was seen to."
        : "No letter is like that."}
    </Empty>
  );
  return (
    <>
      <Answered query={query} what="The dead letters are read" empty={empty}>
        {(found) => (
          <>
            <div className="filters">
              <label className="actions">
                <input
                  type="checkbox"
                  checked={ids.length === found.length}
                  onChange={({ target }) =>
                    setChosen(new Set(target.checked ? found.map((letter) => letter.id) : []))
                  }
                />
                All that are shown
              </label>
              {VERBS.map(([one, does, kind]) => (
                <button
                  key={one}
                  type="button"
                  className="button"
                  data-kind={kind}
                  data-small
                  disabled={!ids.length}
                  onClick={() => setVerb(one)}
                >
                  {does} {ids.length || ""}
                </button>
              ))}
            </div>
            <ul className="card" aria-label="Dead letters">
              {found.map((letter) => (
                <Line
                  key={letter.id}
                  letter={letter}
                  chosen={chosen.has(letter.id)}
                  toggle={() => toggle(letter.id)}
                />
              ))}
            </ul>
            {query.hasNextPage ? (
              <div className="state" style={{ padding: 18 }}>
                <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
                  {query.isFetchingNextPage ? "Reading …" : "More"}
                </button>
              </div>
            ) : null}
          </>
        )}
      </Answered>
      <HandleLetters verb={verb} ids={ids} again={filters.state === "redriven"} close={() => setVerb(null)} />
    </>
  );
}

function Line({ letter, chosen, toggle }: { letter: Letter; chosen: boolean; toggle: () => void }) {
  const { name, partition, offset } = letter.source;
  return (
    <li className="letter">
      <input type="checkbox" aria-label={`Choose ${letter.id}`} checked={chosen} onChange={toggle} />
      <div>
        <strong style={{ fontWeight: 580 }}>{letter.reason}</strong>{" "}
        <span className="muted">
          by {letter.stages.join(", ")}, on <code>{name}</code>
          {partition == null ? "" : ` partition ${partition}, offset ${offset}`}
        </span>
        <p style={{ overflowWrap: "anywhere" }}>{letter.error.trim().split("\n").at(-1)}</p>
      </div>
      <time className="muted" dateTime={letter.createdAt} title={full(letter.createdAt)}>
        {short(letter.createdAt)}
      </time>
      <details>
        <summary>The original, {count(letter.size)} bytes, and what was done</summary>
        <pre className="preview">{letter.preview ?? "(nothing that could be shown as text)"}</pre>
        {letter.error.includes("\n") ? <pre className="preview">{letter.error}</pre> : null}
        {letter.history.map((line) => (
          <p key={line.time} className="muted" style={{ marginTop: 8 }}>
            {line.operation} {short(line.time)} by {line.by || "somebody"}
            {line.why ? `: ${line.why}` : ""}
            {line.target ? `, onto ${line.target}` : ""}
          </p>
        ))}
        <p className="muted mono" style={{ marginTop: 8 }}>
          {letter.id}
        </p>
      </details>
    </li>
  );
}
