/** Why a notification stands where it stands: each event under what caused it. */

import type { CauseStep, Why } from "../api/types";
import { type Branch, details, grown, toneOf } from "../live/causes";
import { duration } from "../live/story";
import { full, precise, short } from "../live/times";
import { markOf } from "./marks";
import { tone } from "./Status";

export function Causes({ why, at }: { why: Why; at: number | null }) {
  const steps = at === null ? why.steps : why.steps.filter((step) => Date.parse(step.at) <= at);
  return (
    <div className="causes">
      <p className="muted">
        Each event stands under what caused it. From the first to the last:{" "}
        <strong className="big">{duration(why.tookMs)}</strong>
      </p>
      {why.policies?.map((policy) => (
        <p key={policy.id} className="muted">
          It was judged by the policy for the {policy.scope} <code>{policy.about}</code>, set{" "}
          <time dateTime={policy.since} title={full(policy.since)}>
            {short(policy.since)}
          </time>
          .
        </p>
      ))}
      <Branches branches={grown(steps)} label="Causes and effects" />
    </div>
  );
}

function Branches({ branches, label }: { branches: Branch[]; label: string }) {
  return (
    <ol aria-label={label}>
      {branches.map(({ step, below }) => (
        <li key={step.id}>
          <Line step={step} />
          {below.length ? <Branches branches={below} label={`What ${named(step)} led to`} /> : null}
        </li>
      ))}
    </ol>
  );
}

function Line({ step }: { step: CauseStep }) {
  const Mark = markOf(step.event);
  const by = [step.worker && `worker ${step.worker}`, step.provider].filter(Boolean).join(", ");
  return (
    <div className="cause" style={tone(toneOf(step.event))}>
      <time dateTime={step.at} title={full(step.at)}>
        {precise(step.at)}
      </time>
      <span className="mark">
        <Mark size={13} strokeWidth={2.3} aria-hidden />
      </span>
      <div>
        <strong>{named(step)}</strong>
        {step.afterMs == null ? null : (
          <span className="muted">
            {" "}
            +{duration(step.afterMs)} {step.spent ?? ""}
          </span>
        )}
        {step.lateMs == null ? null : <span className="muted"> · {duration(step.lateMs)} late</span>}
        {by ? <span className="muted"> · {by}</span> : null}
        {details(step).map(([name, value]) => (
          <span key={name} className="muted">
            {" "}
            · {name} <span className="value">{value}</span>
          </span>
        ))}
      </div>
    </div>
  );
}

const named = ({ event, details: { dispatch } = {} }: CauseStep): string =>
  `${event.replaceAll("-", " ")}${typeof dispatch === "number" ? ` ${dispatch}` : ""}`;
