/** The feed, the board and the pulse of this page, for whatever part wants to look. */

import { useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { jobs } from "../api/client";
import { current } from "../api/token";
import type { Change } from "../api/types";
import { Board, type Moved } from "./board";
import { Feed, type Way } from "./feed";
import { Pulse } from "./pulse";

/** Milliseconds between two looks at the board, at least: an eye needs no more. */
const LOOK_MS = 100;

/** Milliseconds by which the read models may be behind what was told while nobody heard it. */
const BEHIND_MS = 2_000;

type Hear = (change: Change) => void;

interface Live {
  way: Way;
  board: Board;
  pulse: Pulse;
  /** Tells of each change until the returned function is called. */
  hear: (listener: Hear) => () => void;
}

const Context = createContext<Live | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [way, setWay] = useState<Way>("connecting");
  const parts = useMemo(() => {
    const board = new Board(nextLook);
    const pulse = new Pulse();
    const listeners = new Set<Hear>();
    const hear = (listener: Hear) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    return { board, pulse, listeners, hear };
  }, []);

  useEffect(() => {
    const { board, pulse, listeners } = parts;
    const onChanges = (changes: Change[]) => {
      pulse.take(changes);
      board.take(changes);
      for (const change of changes) for (const listener of listeners) listener(change);
    };
    let later: number | undefined;
    const reread = () => void queries.invalidateQueries({ predicate: (query) => query.meta?.live === true });
    const onGap = () => {
      reread();
      window.clearTimeout(later);
      later = window.setTimeout(reread, BEHIND_MS);
    };
    const list = async () => (await jobs({}, null)).rows;
    const feed = new Feed({ onChanges, onWay: setWay, onGap }, list, current().token);
    feed.open();
    jobs({}, null, 500).then(
      (page) => pulse.seed(page.rows),
      () => {},
    );
    return () => {
      window.clearTimeout(later);
      feed.close();
    };
  }, [parts, queries]);

  const live = useMemo(() => ({ way, ...parts }), [way, parts]);
  return <Context value={live}>{children}</Context>;
}

export function useLive(): Live {
  const live = useContext(Context);
  if (!live) throw new Error("expected a LiveProvider around this part");
  return live;
}

export function useBoard(): ReadonlyMap<string, Moved> {
  const { board } = useLive();
  return useSyncExternalStore(board.subscribe, board.snapshot);
}

let looked = 0;

/** In an animation frame, some time after the one before; a page that is not shown has no frames, and no looks. */
function nextLook(then: () => void): void {
  const wait = Math.max(looked + LOOK_MS - performance.now(), 0);
  window.setTimeout(() => {
    requestAnimationFrame(() => {
      looked = performance.now();
      then();
    });
  }, wait);
}
