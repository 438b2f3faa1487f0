/** The list of notifications: filters in the URL, pages read as one scrolls, rows that change as things happen. */

import { type InfiniteData, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { BellOff, History, Plus } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { ApiError, jobs, type Page } from "../api/client";
import { CHANNELS, type Job, STATUSES } from "../api/types";
import { rows } from "../live/board";
import { useBoard, useLive } from "../live/live";
import { written } from "../live/moment";
import { changed } from "../live/parameters";
import { useAt } from "../parts/AsOf";
import { Filter } from "../parts/Filter";
import { LookBack } from "../parts/LookBack";
import { NewNotification } from "../parts/NewNotification";
import { Search } from "../parts/Search";
import { Empty, Failure, Loading, sentence } from "../parts/States";
import { Table } from "../parts/Table";

const FILTERS = ["status", "type", "recipient"] as const;
/** Milliseconds between two readings of a filtered list while things change: a change may bring in older rows. */
const REREAD_MS = 5_000;

export function Notifications() {
  const [parameters, setParameters] = useSearchParams();
  const [writing, setWriting] = useState(false);
  const [at, setAt] = useAt();
  const [lookingBack, lookBack] = useState(at !== null);
  const filters = useMemo(() => chosen(parameters), [parameters]);
  useShortcut("n", () => setWriting(true));
  const set = (name: string, value: string) => setParameters((before) => changed(before, name, value));
  return (
    <>
      <div className="head">
        <div>
          <h1>Notifications</h1>
          <p>
            Every one that was asked for, the newest first, as it {at === null ? "stands now" : "stood then"}.
          </p>
        </div>
        <button type="button" className="button" data-kind="main" onClick={() => setWriting(true)} title="n">
          <Plus size={17} aria-hidden /> New notification
        </button>
      </div>
      <search className="filters">
        <Search recipient={filters.recipient ?? ""} onRecipient={(value) => set("recipient", value)} />
        <Filter name="status" all="Any status" values={STATUSES} value={filters.status} onChange={set} />
        <Filter name="type" all="Any type" values={CHANNELS} value={filters.type} onChange={set} />
        {Object.keys(filters).length > 0 ? (
          <button type="button" className="button" data-kind="quiet" onClick={() => setParameters(kept)}>
            Clear
          </button>
        ) : null}
        <button
          type="button"
          className="button"
          aria-expanded={lookingBack}
          onClick={() => {
            lookBack(!lookingBack);
            if (lookingBack) setAt(null);
          }}
        >
          <History size={16} aria-hidden /> Look back
        </button>
      </search>
      {lookingBack ? (
        <LookBack at={at} setAt={setAt} status={filters.status} onStatus={(value) => set("status", value)} />
      ) : null}
      {at === null ? (
        <List filters={filters} write={() => setWriting(true)} />
      ) : (
        <Past filters={filters} at={written(at)} />
      )}
      <NewNotification open={writing} close={() => setWriting(false)} />
    </>
  );
}

function List({ filters, write }: { filters: Record<string, string>; write: () => void }) {
  const board = useBoard();
  const query = useInfiniteQuery<Page<Job>, Error, InfiniteData<Page<Job>>, unknown[], string | null>({
    queryKey: ["jobs", filters],
    queryFn: ({ pageParam }) => jobs(filters, pageParam),
    initialPageParam: null,
    getNextPageParam: (last) => last.cursor,
    meta: { live: true },
  });
  useRereading(Object.keys(filters).length > 0, query.refetch);
  const read = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  const listed = useMemo(
    () => rows(read, board, filters, !query.hasNextPage),
    [read, board, filters, query.hasNextPage],
  );
  if (query.isPending) {
    return (
      <Frame>
        <Loading what="The notifications are read" lines={10} />
      </Frame>
    );
  }
  if (query.isError && listed.length === 0) {
    return (
      <Frame>
        <Failure error={query.error} again={() => void query.refetch()} />
      </Frame>
    );
  }
  if (listed.length === 0) {
    return (
      <Frame>
        <Empty
          icon={BellOff}
          title={Object.keys(filters).length ? "None is like that" : "Nothing was asked for yet"}
        >
          {Object.keys(filters).length ? (
            "No notification matches these filters. One that comes to match shows up by itself."
          ) : (
            <button type="button" className="button" data-kind="main" onClick={write}>
              Send the first one
            </button>
          )}
        </Empty>
      </Frame>
    );
  }
  return (
    <Table
      key={JSON.stringify(filters)}
      jobs={listed}
      more={query.hasNextPage && !query.isFetchNextPageError}
      fetching={query.isFetchingNextPage}
      fetchMore={query.fetchNextPage}
      error={query.isError ? query.error : null}
    />
  );
}

/** Around what stands where the table would. */
function Frame({ children }: { children: ReactNode }) {
  return <div className="card grid-card">{children}</div>;
}

/** The list as it was: nothing in it moves. */
function Past({ filters, at }: { filters: Record<string, string>; at: string }) {
  const query = useInfiniteQuery<Page<Job>, Error, InfiniteData<Page<Job>>, unknown[], string | null>({
    queryKey: ["jobs", filters, at],
    queryFn: ({ pageParam }) => jobs({ ...filters, at }, pageParam),
    initialPageParam: null,
    getNextPageParam: (last) => last.cursor,
    placeholderData: keepPreviousData,
  });
  const listed = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const looksOn = listed.length === 0 && hasNextPage && !isError;
  useEffect(() => {
    if (looksOn && !isFetching) void fetchNextPage(); // a page of one status may be empty and yet not the last
  }, [looksOn, isFetching, fetchNextPage]);
  if (query.isPending || looksOn) {
    return (
      <Frame>
        <Loading what="The notifications are read as they were" lines={10} />
      </Frame>
    );
  }
  if (isError && listed.length === 0) {
    return (
      <Frame>
        {query.error instanceof ApiError && query.error.status === 404 ? (
          <Empty icon={BellOff} title="Nothing is known of that time">
            {sentence(query.error)}
          </Empty>
        ) : (
          <Failure error={query.error} again={() => void query.refetch()} />
        )}
      </Frame>
    );
  }
  if (listed.length === 0) {
    return (
      <Frame>
        <Empty icon={BellOff} title="None was like that">
          At that time no notification matched these filters.
        </Empty>
      </Frame>
    );
  }
  return (
    <Table
      key={`past ${JSON.stringify(filters)}`}
      jobs={listed}
      still
      more={hasNextPage && !query.isFetchNextPageError}
      fetching={query.isFetchingNextPage}
      fetchMore={fetchNextPage}
      error={isError ? query.error : null}
    />
  );
}

/** All but the filters: clearing these leaves the moment that is looked at. */
function kept(parameters: URLSearchParams): URLSearchParams {
  const at = parameters.get("at");
  return new URLSearchParams(at ? { at } : {});
}

function chosen(parameters: URLSearchParams): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = parameters.get(name);
    if (value) found[name] = value;
  }
  return found;
}

/** Reads again some time after a change, as long as it is wanted. */
function useRereading(wanted: boolean, reread: () => unknown): void {
  const { hear } = useLive();
  useEffect(() => {
    if (!wanted) return;
    let timer: number | null = null;
    const stop = hear(() => {
      timer ??= window.setTimeout(() => {
        timer = null;
        reread();
      }, REREAD_MS);
    });
    return () => {
      stop();
      if (timer !== null) window.clearTimeout(timer);
    };
  }, [wanted, hear, reread]);
}

function useShortcut(key: string, act: () => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement &&
        event.target.matches("input, textarea, select, [role=dialog] *");
      if (event.key !== key || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  });
}
