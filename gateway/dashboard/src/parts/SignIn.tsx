/** Asks for a token where nobody is believed without one; what is behind it asks again once there is one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, Fragment, type ReactNode, useSyncExternalStore } from "react";
import { Link, useLocation } from "wouter";
import { subject } from "../api/bearer";
import { tried } from "../api/client";
import { current, signIn, signOut, subscribe } from "../api/token";
import { Field } from "./Field";
import { Fault, sentence } from "./States";
import { useTheme } from "./theme";

export const useSession = () => useSyncExternalStore(subscribe, current);

/** `open` is shown without a token at its path; all else is made anew for each token, so that nothing is left. */
export function Gate({ open, children }: { open: Record<string, ReactNode>; children: ReactNode }) {
  const { wanted, token } = useSession();
  const [path] = useLocation();
  if (wanted === null) return <Fragment key={token}>{children}</Fragment>;
  return open[path] ? <Bare>{open[path]}</Bare> : <SignIn why={wanted} />;
}

/** A page without the others around it. */
function Bare({ children, look = "" }: { children: ReactNode; look?: string }) {
  useTheme();
  return (
    <main id="page" className={look}>
      {children}
    </main>
  );
}

function SignIn({ why }: { why: string }) {
  const queries = useQueryClient();
  const trying = useMutation({
    mutationFn: tried,
    onSuccess: (_, token) => {
      queries.clear();
      signIn(token);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    trying.mutate(String(new FormData(event.currentTarget).get("token")).trim());
  };
  return (
    <Bare look="sign-in">
      <form className="card form" onSubmit={submit}>
        <img src="/assets/tidings.svg" alt="" width={36} height={36} />
        <div>
          <h1>Sign in to Tidings</h1>
          <p className="muted">
            With a service's token. <code>./tidings token NAME --service</code> makes one. It is kept until
            this tab is closed.
          </p>
        </div>
        {why ? <Fault>{why.charAt(0).toUpperCase() + why.slice(1)}</Fault> : null}
        <Field
          label="Token"
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          fault={trying.error ? sentence(trying.error) : undefined}
        />
        <div className="actions">
          <button type="submit" className="button" data-kind="main" disabled={trying.isPending}>
            <KeyRound size={16} aria-hidden /> {trying.isPending ? "Trying …" : "Sign in"}
          </button>
          <Link href="/docs" className="button" data-kind="quiet">
            The API's documents
          </Link>
        </div>
      </form>
    </Bare>
  );
}

export function SignedIn() {
  const { token } = useSession();
  if (!token) return null;
  return (
    <div className="signed-in">
      <KeyRound size={14} aria-hidden />
      <span>{subject(token) || "Signed in"}</span>
      <button type="button" className="button" data-kind="quiet" data-small onClick={() => signOut("")}>
        Sign out
      </button>
    </div>
  );
}
