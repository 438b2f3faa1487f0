/** Notifications as rows, of which only those in sight are in the page; more are read when the end comes near. */

import { type ColumnDef, flexRender, getCoreRowModel, type Row, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { Job } from "../api/types";
import { count, full, short, shortId } from "../live/times";
import { Channel } from "./Channel";
import { Fault, sentence } from "./States";
import { Status } from "./Status";

const ROW_PX = 44;
const HEAD_PX = 38;
/** Rows before the end at which the next page is asked for. */
const AHEAD = 30;

const COLUMNS: ColumnDef<Job>[] = [
  {
    id: "id",
    header: "Id",
    cell: ({ row: { original: job } }) => <Name job={job} />,
  },
  { id: "type", header: "Type", cell: ({ row: { original: job } }) => <Channel name={job.type} /> },
  { id: "recipient", header: "Recipient", accessorKey: "recipient" },
  { id: "message", header: "Message", accessorKey: "message" },
  { id: "status", header: "Status", cell: ({ row: { original: job } }) => <Status name={job.status} /> },
  { id: "attempts", header: "Attempts", cell: ({ row: { original: job } }) => <Attempts job={job} /> },
  {
    id: "created",
    header: "Created",
    cell: ({ row: { original: job } }) => (
      <time dateTime={job.createdAt} title={full(job.createdAt)}>
        {short(job.createdAt)}
      </time>
    ),
  },
];

interface Asked {
  jobs: Job[];
  more: boolean;
  fetching: boolean;
  fetchMore: () => unknown;
  error: Error | null;
  /** They are of the past: nothing comes from above. */
  still?: boolean;
}

export function Table({ jobs, more, fetching, fetchMore, error, still }: Asked) {
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const [shown, held, letIn] = useHeldBack(jobs, still ? null : scroller);
  const table = useReactTable({
    data: shown,
    columns: COLUMNS,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (job) => job.id,
  });
  const all = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroller,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => all[index]?.id ?? index,
    overscan: 12,
    scrollPaddingStart: HEAD_PX,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !fetching && last >= all.length - AHEAD) fetchMore();
  }, [more, fetching, last, all.length, fetchMore]);
  const toTop = () => {
    letIn();
    virtual.scrollToIndex(0);
  };
  return (
    <div className="card grid-card">
      {held > 0 ? (
        <button type="button" className="button news" data-kind="main" data-small onClick={toTop}>
          <ArrowUp size={15} aria-hidden /> {count(held)} new
        </button>
      ) : null}
      <div className="grid" ref={setScroller}>
        {/* biome-ignore-start lint/a11y/useSemanticElements: rows that are not in the page have no place in a <table> */}
        {/* biome-ignore-start lint/a11y/useFocusableInteractive: the links in the rows have the focus */}
        <div
          role="table"
          aria-label="Notifications"
          aria-rowcount={more ? -1 : all.length + 1}
          onKeyDown={moveFocus}
        >
          <div role="rowgroup" className="head-group">
            {table.getHeaderGroups().map((group) => (
              <div key={group.id} role="row" className="head-row" aria-rowindex={1}>
                {group.headers.map((header) => (
                  <div key={header.id} role="columnheader" className={header.column.id}>
                    {flexRender(header.column.columnDef.header, header.getContext())}
                  </div>
                ))}
              </div>
            ))}
          </div>
          <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
            {items.map((item) => {
              const row = all[item.index];
              return row ? (
                <Line key={row.id} row={row} job={row.original} index={item.index} start={item.start} />
              ) : null;
            })}
          </div>
        </div>
        {/* biome-ignore-end lint/a11y/useFocusableInteractive: see above */}
        {/* biome-ignore-end lint/a11y/useSemanticElements: see above */}
      </div>
      <div className="foot">
        {error ? (
          <Fault>{sentence(error)}</Fault>
        ) : (
          <span>{`${count(all.length)}${more ? "+" : ""} ${all.length === 1 ? "notification" : "notifications"}`}</span>
        )}
        <span>{fetching ? "Reading more …" : more ? "Scroll for more" : "That is all"}</span>
      </div>
    </div>
  );
}

const Line = memo(
  function Line({ row, index, start }: { row: Row<Job>; job: Job; index: number; start: number }) {
    return (
      // biome-ignore lint/a11y/useSemanticElements: see the table
      // biome-ignore lint/a11y/useFocusableInteractive: see the table
      <div
        role="row"
        className="body-row"
        aria-rowindex={index + 2}
        style={{ transform: `translateY(${start}px)` }}
      >
        {row.getVisibleCells().map((cell) => (
          // biome-ignore lint/a11y/useSemanticElements: see the table
          <div key={cell.id} role="cell" className={cell.column.id}>
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </div>
        ))}
      </div>
    );
  },
  (before, now) => before.job === now.job && before.index === now.index && before.start === now.start,
);

/** Its page, as of the moment that the list is of. */
function Name({ job }: { job: Job }) {
  const at = useSearchParams()[0].get("at");
  return (
    <Link
      href={`/notifications/${encodeURIComponent(job.id)}${at ? `?${new URLSearchParams({ at })}` : ""}`}
      aria-label={`${shortId(job.id)}, to ${job.recipient}`}
    >
      {shortId(job.id)}
    </Link>
  );
}

function Attempts({ job }: { job: Job }) {
  if (job.status === "suppressed") return <span className="muted">–</span>;
  return (
    <>
      <span>
        {job.attempts}
        <span className="hidden-visually"> of {job.maxAttempts} failed</span>
      </span>
      <span className="pips" aria-hidden>
        {Array.from({ length: Math.min(job.maxAttempts, 10) }, (_, number) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a pip is its place
          <i key={number} data-used={number < job.attempts ? "" : undefined} />
        ))}
      </span>
    </>
  );
}

/** While one reads further down, what is new waits above: the rows under the eye stay where they are. */
function useHeldBack(jobs: Job[], scroller: HTMLElement | null): [Job[], number, () => void] {
  const [from, setFrom] = useState<string | null>(null);
  const newest = useRef("");
  newest.current = jobs[0]?.createdAt ?? "";
  useEffect(() => {
    if (scroller === null) return;
    const look = () => setFrom((before) => (scroller.scrollTop < ROW_PX ? null : (before ?? newest.current)));
    scroller.addEventListener("scroll", look, { passive: true });
    return () => scroller.removeEventListener("scroll", look);
  }, [scroller]);
  const shown = useMemo(
    () => (from === null ? jobs : jobs.filter((job) => job.createdAt <= from)),
    [jobs, from],
  );
  return [shown, jobs.length - shown.length, () => setFrom(null)];
}

/** Up and down go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = (event.target as HTMLElement).closest("[role=row]");
  if (step === undefined || row === null) return;
  const index = Number(row.getAttribute("aria-rowindex")) + step;
  const next = event.currentTarget.querySelector<HTMLElement>(`[aria-rowindex="${index}"] a`);
  if (next === null) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.closest("[role=row]")?.scrollIntoView({ block: "nearest" });
}
