/** Who gets notifications, as a link to what they want to get. */

import { Link } from "wouter";

export function Recipient({ name }: { name: string }) {
  return (
    <Link href={`/preferences?${new URLSearchParams({ recipient: name })}`} className="plain-link">
      {name}
    </Link>
  );
}
