/** Finds a notification by its id, or those to a recipient. */

import { Search as Glass } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { job } from "../api/client";

export function Search({
  recipient,
  onRecipient,
}: {
  recipient: string;
  onRecipient: (recipient: string) => void;
}) {
  const [text, setText] = useState(recipient);
  const [, go] = useLocation();
  useEffect(() => setText(recipient), [recipient]);
  const find = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim();
    const known = wanted !== "" && wanted !== recipient ? await job(wanted).catch(() => null) : null;
    if (known) go(`/notifications/${encodeURIComponent(known.id)}`);
    else onRecipient(wanted);
  };
  return (
    <form className="search" onSubmit={find}>
      <Glass size={16} aria-hidden />
      <input
        type="search"
        className="input"
        aria-label="A recipient or an id"
        placeholder="A recipient or an id, then Enter"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
}
