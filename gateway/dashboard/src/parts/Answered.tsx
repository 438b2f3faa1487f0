/** What was asked for: while it is read, if it could not be read, if there is none of it, and what was read. */

import type { ReactNode } from "react";
import { Failure, Loading } from "./States";

interface Asked<Data> {
  query: { data: Data | undefined; error: Error | null; refetch: () => unknown };
  /** Said while it is read, as in "The replays are read". */
  what: string;
  /** Stands where a list has nothing. */
  empty?: ReactNode;
  /** There is a card around it already. */
  bare?: boolean;
  children: (data: Data) => ReactNode;
}

export function Answered<Data>({ query, what, empty, bare = false, children }: Asked<Data>) {
  const { data, error } = query;
  const framed = (state: ReactNode) => (bare ? state : <div className="card">{state}</div>);
  if (error) return framed(<Failure error={error} again={() => void query.refetch()} />);
  if (data === undefined) return framed(<Loading what={what} />);
  if (empty && Array.isArray(data) && data.length === 0) return framed(empty);
  return children(data);
}
