/** Limits that differ from the settings': who has which, and setting and lifting them. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { SlidersHorizontal } from "lucide-react";
import { type FormEvent, useState } from "react";
import { liftPolicy, policies, setPolicy } from "../api/client";
import { type Policy, type PolicyChange, SCOPES, type Scope } from "../api/types";
import { full, short } from "../live/times";
import { Answered } from "../parts/Answered";
import { Choice } from "../parts/Choice";
import { Field } from "../parts/Field";
import { Buttons, faulty } from "../parts/Form";
import { Empty, Fault, sentence } from "../parts/States";
import { useToast } from "../parts/Toasts";

const LIMITS = [
  ["rateLimit", "Events", "2"],
  ["rateWindow", "In seconds", "10"],
  ["dedupeWindow", "Same for, seconds", "300"],
] as const;
const SHOWN: string[] = ["about", "by", "why", "type", ...LIMITS.map(([name]) => name)];
const EXAMPLES: Record<Scope, string> = {
  actor: "user1",
  recipient: "user2",
  type: "LIKE, COMMENT, FOLLOW …",
};

export function Policies() {
  const query = useQuery({ queryKey: ["policies"], queryFn: policies });
  return (
    <>
      <div className="head">
        <div>
          <h1>Policies</h1>
          <p>Limits for one actor, recipient or type of event, in force at once and without a restart.</p>
        </div>
      </div>
      <div className="split">
        <section className="card" aria-label="In force">
          <Answered
            query={query}
            what="The policies are read"
            bare
            empty={
              <Empty icon={SlidersHorizontal} title="The settings hold for everybody">
                Two events in 10 s for an actor, and no repeat within 5 minutes, unless the settings say
                otherwise.
              </Empty>
            }
          >
            {(found) => (
              <div className="body scroll-x">
                <Held found={found} />
              </div>
            )}
          </Answered>
        </section>
        <section className="card" aria-labelledby="set">
          <header>
            <h2 id="set">Set a policy</h2>
          </header>
          <div className="body">
            <SetPolicy />
          </div>
        </section>
      </div>
    </>
  );
}

function Held({ found }: { found: Policy[] }) {
  const queries = useQueryClient();
  const lifting = useMutation({
    mutationFn: (policy: Policy) => liftPolicy(policy.scope, policy.about),
    onSettled: () => queries.invalidateQueries({ queryKey: ["policies"] }),
  });
  return (
    <>
      {lifting.error ? <Fault>{sentence(lifting.error)}</Fault> : null}
      <table className="plain">
        <thead>
          <tr>
            {["For", "Limit", "Since", "Why"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th>
              <span className="hidden-visually">Lift</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {found.map((policy) => (
            <tr key={`${policy.scope} ${policy.about}`}>
              <td>
                {policy.about}
                <br />
                <span className="muted">{policy.scope}</span>
              </td>
              <td>{told(policy)}</td>
              <td>
                <time dateTime={policy.since} title={full(policy.since)}>
                  {short(policy.since)}
                </time>
                <br />
                <span className="muted">{policy.by}</span>
              </td>
              <td>{policy.why || <span className="muted">–</span>}</td>
              <td>
                <button
                  type="button"
                  className="button"
                  data-small
                  disabled={lifting.isPending}
                  onClick={() => lifting.mutate(policy)}
                  aria-label={`Lift the policy for ${policy.about}`}
                >
                  Lift
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function SetPolicy() {
  const [scope, setScope] = useState<Scope>("actor");
  const queries = useQueryClient();
  const toast = useToast();
  const setting = useMutation({
    mutationFn: ({ about, limits }: { about: string; limits: PolicyChange }) =>
      setPolicy(scope, about, limits),
    onSuccess: (policy) => {
      toast(`In force for ${policy.about}.`);
      void queries.invalidateQueries({ queryKey: ["policies"] });
    },
  });
  const { faults, elsewhere } = faulty(setting.error, SHOWN);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const text = (name: string) => String(given.get(name)).trim();
    const limits: PolicyChange = { by: text("by") || "dashboard", why: text("why") };
    for (const [name] of LIMITS) if (text(name)) limits[name] = Number(text(name));
    setting.mutate({ about: text("about"), limits });
  };
  return (
    <form className="form" onSubmit={submit}>
      <Choice label="For one" value={scope} options={SCOPES} onChange={setScope} />
      <Field
        label="Which"
        name="about"
        required
        placeholder={EXAMPLES[scope]}
        fault={faults.about ?? faults.type}
      />
      <div className="row">
        {LIMITS.map(([name, label, example]) => (
          <Field
            key={name}
            label={label}
            name={name}
            type="number"
            step="any"
            min={0}
            placeholder={example}
            fault={faults[name]}
          />
        ))}
      </div>
      <Field label="Who you are" name="by" fault={faults.by} />
      <Field label="Why" name="why" placeholder="a partner's import" fault={faults.why} />
      {elsewhere ? <Fault>{elsewhere}</Fault> : null}
      <Buttons does="Set" doing="Setting …" pending={setting.isPending} />
    </form>
  );
}

function told({ rateLimit, rateWindow, dedupeWindow }: Policy): string {
  const parts: string[] = [];
  if (rateLimit !== undefined)
    parts.push(
      `${rateLimit} ${rateLimit === 1 ? "event" : "events"}${rateWindow === undefined ? "" : ` in ${rateWindow} s`}`,
    );
  else if (rateWindow !== undefined) parts.push(`a window of ${rateWindow} s`);
  if (dedupeWindow !== undefined) parts.push(`same for ${dedupeWindow} s`);
  return parts.join(", ");
}
