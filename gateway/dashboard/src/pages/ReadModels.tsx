/** Which copies of each read model there are, how far a rebuild is, and what differs between two copies. */

import { useQuery } from "@tanstack/react-query";
import { Check, CircleHelp, Loader, type LucideIcon, OctagonX, ShieldAlert, Unplug } from "lucide-react";
import { readModels } from "../api/client";
import type { Compared, ReadModel, Rebuild } from "../api/types";
import { duration } from "../live/story";
import { count, full, short } from "../live/times";
import { Answered } from "../parts/Answered";
import { Meter } from "../parts/Meter";
import { Fault } from "../parts/States";
import { tone } from "../parts/Status";

const IS = { live: "live", kept: "kept for roll-back", shadow: "not read yet" };
const LOOKS: Record<Rebuild["state"], [LucideIcon, string, string]> = {
  running: [Loader, "sending", "running"],
  asking: [CircleHelp, "queued", "waits for an answer at its command"],
  done: [Check, "sent", "done"],
  refused: [ShieldAlert, "retrying", "refused by its gate"],
  failed: [OctagonX, "failed", "failed"],
  silent: [Unplug, "failed", "ended without a word"],
};

export function ReadModels() {
  const query = useQuery({
    queryKey: ["read models"],
    queryFn: readModels,
    refetchInterval: ({ state: { data } }) =>
      data?.some(({ rebuild }) => rebuild?.state === "running" || rebuild?.state === "asking")
        ? 1_000
        : 3_000,
  });
  return (
    <>
      <div className="head">
        <div>
          <h1>Read models</h1>
          <p>
            What lists and stories are read from: folds of the log. <code>./tidings rebuild</code> makes one
            again beside the one that is read.
          </p>
        </div>
      </div>
      <Answered query={query} what="The read models are read">
        {(models) => (
          <div className="stack">
            {models.map((model) => (
              <Model key={model.name} model={model} />
            ))}
          </div>
        )}
      </Answered>
    </>
  );
}

function Model({ model }: { model: ReadModel }) {
  return (
    <section className="card" aria-label={model.name}>
      <header>
        <h2>{model.name}</h2>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it too */}
      <div className="body scroll-x" tabIndex={0}>
        <table className="plain copies">
          <thead>
            <tr>
              <th scope="col">Copy</th>
              <th scope="col">Is</th>
              <th scope="col">Version of the fold</th>
              <th scope="col">Behind the log</th>
            </tr>
          </thead>
          <tbody>
            {model.copies.map((copy) => (
              <tr key={copy.name}>
                <td>
                  <code>{copy.name}</code>
                </td>
                <td>{IS[copy.is]}</td>
                <td>{copy.version}</td>
                <td>{behind(copy.behind)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {model.rebuild ? <Made rebuild={model.rebuild} /> : null}
      </div>
    </section>
  );
}

function behind(records: number | null): string {
  if (records === null) return "–";
  return records === 0 ? "up to date" : `${count(records)} ${records === 1 ? "event" : "events"}`;
}

function Made({ rebuild }: { rebuild: Rebuild }) {
  const [Shape, colour, told] = LOOKS[rebuild.state];
  const goesOn = rebuild.state === "running";
  return (
    <div className="rebuild">
      <div className="actions">
        <h3>Last rebuild</h3>
        <span className="badge" data-status={colour} style={tone(colour)}>
          <Shape size={14} strokeWidth={2.3} aria-hidden />
          <span>{told}</span>
        </span>
        <span className="muted">
          begun{" "}
          <time dateTime={rebuild.began} title={full(rebuild.began)}>
            {short(rebuild.began)}
          </time>{" "}
          by {rebuild.by}
          {rebuild.why ? `: ${rebuild.why}` : ""}
          {goesOn ? "" : `, took ${duration(Date.parse(rebuild.updated) - Date.parse(rebuild.began))}`}
        </span>
      </div>
      {goesOn ? (
        <Meter
          label={rebuild.part}
          value={rebuild.count}
          of={rebuild.total}
          told={`${rebuild.part}${rebuild.count ? `: ${count(rebuild.count)}` : ""}${rebuild.total ? ` of ${count(rebuild.total)} events` : ""}`}
        />
      ) : null}
      {rebuild.folded ? (
        <p className="muted">
          {count(rebuild.folded.events)} events were folded in {duration(1000 * rebuild.folded.seconds)}.
        </p>
      ) : null}
      {rebuild.reasons.map((reason) => (
        <Fault key={reason}>{reason}</Fault>
      ))}
      {rebuild.compared ? <Difference compared={rebuild.compared} /> : null}
      {rebuild.moved ? <p>Readers went over.</p> : null}
    </div>
  );
}

function Difference({ compared }: { compared: Compared }) {
  const { live, other, documents, digests, ahead, kinds, unexplained, first } = compared;
  const found = Object.entries(kinds);
  return (
    <>
      <div className="scroll-x">
        <table className="plain" aria-label={`${live} and ${other} compared`}>
          <thead>
            <tr>
              <th scope="col">Compared</th>
              <th scope="col">{live}</th>
              <th scope="col">{other}</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <td>documents</td>
              <td>{count(documents.live)}</td>
              <td>{count(documents.other)}</td>
            </tr>
            <tr>
              <td>digest</td>
              {[digests.live, digests.other].map((digest, side) => (
                <td key={side ? "other" : "live"}>
                  <code title={digest}>{digest.slice(0, 16) || "–"}</code>
                </td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
      <p className={found.length ? undefined : "muted"}>
        {found.length
          ? found.map(([kind, number]) => `${kind}: ${count(number)}`).join(", ")
          : "Nothing differs"}
        .{found.length && unexplained === 0 ? " The versions of the folds explain it." : ""}
        {ahead ? ` ${count(ahead)} moved meanwhile and were not compared.` : ""}
      </p>
      {first.map((one) => (
        <div key={one.id} className="scroll-x">
          <table className="plain diff">
            <caption>
              <code>{one.id}</code> {one.kind}
            </caption>
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">{live}</th>
                <th scope="col">{other}</th>
              </tr>
            </thead>
            <tbody>
              {one.fields.map((field) => (
                <tr key={field.name}>
                  <td>{field.name}</td>
                  <td>
                    <code className="was">{field.live}</code>
                  </td>
                  <td>
                    <code className="is">{field.other}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </>
  );
}
