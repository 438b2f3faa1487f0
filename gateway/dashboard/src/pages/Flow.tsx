/** How the whole is doing: what came and went, how long it took, what waits where. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { overview } from "../api/client";
import { CHANNELS, type Overview, type Reading, STATUSES } from "../api/types";
import { useLive } from "../live/live";
import { type Beat, BUCKET_S, percentile, SPAN_S } from "../live/pulse";
import { duration } from "../live/story";
import { count } from "../live/times";
import { Channel } from "../parts/Channel";
import { Chart } from "../parts/Chart";
import { Failure, Loading } from "../parts/States";
import { Status } from "../parts/Status";

const CLASSES = ["transactional", "retries", "promotional"] as const;
const LANE = /^notification-attempts\.(.+)\.(.+)$/;
const STAGES: Record<string, string> = {
  admit: "Admit: dedupe, limits, class",
  lifecycle: "Lifecycle: what happens next",
  projections: "Projections: what lists and stories show",
  histories: "Histories: what was, and why",
  "dead-letters": "Dead letters: what was given up",
};

export function Flow() {
  const { data, error, refetch } = useQuery({
    queryKey: ["overview"],
    queryFn: overview,
    refetchInterval: 2_000,
  });
  return (
    <>
      <div className="head">
        <div>
          <h1>Flow</h1>
          <p>What comes in, what goes out, and what waits in between.</p>
        </div>
      </div>
      {data ? <Tiles counts={data.counts} /> : null}
      <Pulses />
      {error && !data ? (
        <div className="card">
          <Failure error={error} again={() => void refetch()} />
        </div>
      ) : data?.reading ? (
        <Waiting reading={data.reading} workers={data.workers} />
      ) : (
        <div className="card">
          <Loading what="Kafka is asked what waits" />
        </div>
      )}
    </>
  );
}

function Tiles({ counts }: { counts: Overview["counts"] }) {
  return (
    <ul className="tiles" aria-label="Notifications by status">
      {STATUSES.map((status) => (
        <li key={status}>
          <Link href={`/?status=${status}`} className="card tile">
            <span>
              <Status name={status} />
            </span>
            <strong>{count(counts[status] ?? 0)}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Pulses() {
  const beats = useBeats();
  const rate = (pick: (beat: Beat) => number) => beats.map((beat) => pick(beat) / BUCKET_S);
  const latency = (share: number) => beats.map(({ latencies }) => percentile(latencies, share));
  return (
    <div className="charts">
      <Chart
        title="Throughput"
        least={4}
        unit="a second"
        span={SPAN_S}
        show={(value) => (value >= 100 ? count(Math.round(value)) : String(Math.round(value * 10) / 10))}
        series={[
          { name: "accepted", tone: "queued", dashed: true, values: rate((beat) => beat.accepted) },
          { name: "sent", tone: "sent", filled: true, values: rate((beat) => beat.sent) },
          { name: "failed", tone: "failed", values: rate((beat) => beat.failed) },
        ]}
      />
      <Chart
        title="From accepted to sent"
        least={1000}
        unit="retries included"
        span={SPAN_S}
        show={duration}
        series={[
          { name: "half within", tone: "accent", filled: true, values: latency(0.5) },
          { name: "95 % within", tone: "retrying", dashed: true, values: latency(0.95) },
        ]}
      />
    </div>
  );
}

function useBeats(): Beat[] {
  const { pulse } = useLive();
  const [beats, setBeats] = useState(() => pulse.last(Date.now()));
  useEffect(() => {
    const timer = window.setInterval(() => setBeats(pulse.last(Date.now())), 1_000);
    return () => window.clearInterval(timer);
  }, [pulse]);
  return beats;
}

function Waiting({ reading, workers }: { reading: Reading[]; workers: Record<string, number> }) {
  const lanes = new Map(reading.map((one) => [one.topic, one]));
  const stages = reading.filter(
    ({ topic, group }) =>
      !LANE.test(topic) && STAGES[group] !== undefined && topic !== "notification-operations",
  );
  const most = Math.max(1, ...reading.map(({ records }) => records));
  return (
    <div className="charts">
      <section className="card" aria-labelledby="lanes">
        <header>
          <h2 id="lanes">Lanes</h2>
          <span className="muted">records that wait for a slot</span>
        </header>
        <div className="body scroll-x">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Channel</th>
                {CLASSES.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {CHANNELS.map((channel) => (
                <tr key={channel}>
                  <td>
                    <span className="actions">
                      <Channel name={channel} />
                    </span>
                  </td>
                  {CLASSES.map((name) => (
                    <td key={name}>
                      <Depth reading={lanes.get(`notification-attempts.${channel}.${name}`)} most={most} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="card" aria-labelledby="stages">
        <header>
          <h2 id="stages">Stages</h2>
          <span className="muted">records not read yet</span>
        </header>
        <div className="body scroll-x">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Stage</th>
                <th scope="col">Workers</th>
                <th scope="col">Lag</th>
              </tr>
            </thead>
            <tbody>
              {stages.map((one) => (
                <tr key={`${one.group} ${one.topic}`}>
                  <td>
                    {STAGES[one.group]}
                    <br />
                    <code className="muted">{one.topic}</code>
                  </td>
                  <td>{workers[one.group] ?? "–"}</td>
                  <td>
                    <Depth reading={one} most={most} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}

function Depth({ reading, most }: { reading: Reading | undefined; most: number }) {
  if (!reading) return <span className="muted">–</span>;
  return (
    <>
      <span>{count(reading.records)}</span>
      {reading.records > 0 ? <span className="muted"> · {duration(reading.seconds * 1000)}</span> : null}
      <div className="bar" aria-hidden>
        <i style={{ width: `${reading.records > 0 ? Math.max((100 * reading.records) / most, 4) : 0}%` }} />
      </div>
    </>
  );
}
