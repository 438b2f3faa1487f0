/** Which moment of the past a list is of, and how many were in each status then. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, counts } from "../api/client";
import { STATUSES } from "../api/types";
import { reaching, SPANS, written } from "../live/moment";
import { count } from "../live/times";
import { AsOf, ExactTime } from "./AsOf";
import { Fault, sentence } from "./States";
import { Status } from "./Status";

interface Asked {
  at: number | null;
  setAt: (at: number | null) => void;
  status: string | undefined;
  onStatus: (status: string) => void;
}

export function LookBack({ at, setAt, status, onStatus }: Asked) {
  const [to, setTo] = useState(() => Date.now());
  const [chosen, setSpan] = useState(() => reaching(at, to));
  const span = Math.max(chosen, at === null ? 0 : reaching(at, to));
  const length = SPANS[span]?.length ?? 0;
  const set = (next: number | null) => {
    if (next === null) setTo(Date.now());
    setAt(next);
  };
  return (
    <div className="card as-of-card">
      <AsOf at={at} from={to - length} to={to} onChange={set}>
        <select
          className="select"
          aria-label="How far back"
          value={span}
          onChange={(event) => setSpan(Number(event.target.value))}
        >
          {SPANS.map(({ name }, index) => (
            <option key={name} value={index}>
              {name}
            </option>
          ))}
        </select>
        <ExactTime at={at} onChange={set} />
      </AsOf>
      {at === null ? null : <Counts at={written(at)} status={status} onStatus={onStatus} />}
    </div>
  );
}

function Counts({
  at,
  status,
  onStatus,
}: {
  at: string;
  status: string | undefined;
  onStatus: Asked["onStatus"];
}) {
  const { data, error } = useQuery({
    queryKey: ["counts", at],
    queryFn: () => counts(at),
    placeholderData: keepPreviousData,
  });
  if (error instanceof ApiError && error.status !== 404) return <Fault>{sentence(error)}</Fault>;
  if (error || !data) return null; // the list tells that nothing is known of that time
  return (
    <ul className="counted" aria-label="Then, by status">
      {STATUSES.map((name) => (
        <li key={name}>
          <button
            type="button"
            aria-pressed={status === name}
            onClick={() => onStatus(status === name ? "" : name)}
          >
            <Status name={name} /> <strong>{count(data[name])}</strong>
          </button>
        </li>
      ))}
    </ul>
  );
}
