/** Does something to a post of somebody, so that they are told. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { act, posts } from "../api/client";
import { Field } from "./Field";
import { Fault, sentence } from "./States";

const KINDS = ["LIKE", "COMMENT", "SHARE", "MENTION", "FOLLOW"] as const;

export function Act({ target }: { target: string }) {
  const found = useQuery({ queryKey: ["posts"], queryFn: posts });
  const [done, setDone] = useState("");
  const acting = useMutation({
    mutationFn: act,
    onSuccess: (_, { type, actorId }) => setDone(`${type} of ${actorId} was accepted.`),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const type = String(given.get("type"));
    const post = String(given.get("post"));
    setDone("");
    acting.mutate({
      type,
      actorId: String(given.get("actor")),
      targetId: target,
      ...(type === "FOLLOW" || !post ? {} : { postId: post }),
    });
  };
  const theirs = found.data?.filter((post) => post.authorId === target) ?? [];
  const offered = theirs.length ? theirs : (found.data ?? []);
  return (
    <form className="form" onSubmit={submit}>
      <div className="row">
        <Field label="Who" name="actor" defaultValue="user1" required />
        <div className="field">
          <label htmlFor="kind">Does what</label>
          <select id="kind" name="type" className="select">
            {KINDS.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </div>
      </div>
      <div className="field">
        <label htmlFor="post">To which post</label>
        <select id="post" name="post" className="select" style={{ width: "100%" }}>
          {offered.length === 0 ? <option value="post1">post1</option> : null}
          {offered.map((post) => (
            <option key={post.id} value={post.id}>
              {post.title}
            </option>
          ))}
        </select>
        {found.data?.length === 0 ? <small>There are no posts: ./tidings seed makes some.</small> : null}
      </div>
      {acting.error ? <Fault>{sentence(acting.error)}</Fault> : null}
      <div className="actions">
        <button type="submit" className="button" disabled={acting.isPending}>
          Do it
        </button>
        <span className="muted" role="status">
          {done}
        </span>
      </div>
    </form>
  );
}
