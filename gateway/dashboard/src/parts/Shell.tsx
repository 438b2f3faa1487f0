/** What is around every page: where one can go, how live it is, light or dark. */

import { useQuery } from "@tanstack/react-query";
import {
  Activity,
  Bell,
  BookOpen,
  DatabaseZap,
  Inbox,
  ListRestart,
  MailX,
  Monitor,
  Moon,
  SlidersHorizontal,
  Sun,
  UserCog,
} from "lucide-react";
import { ToggleGroup } from "radix-ui";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { letterCounts } from "../api/client";
import type { Way } from "../live/feed";
import { useLive } from "../live/live";
import { count } from "../live/times";
import { Broken } from "./Broken";
import { SignedIn } from "./SignIn";
import { THEMES, type Theme, useTheme } from "./theme";

const PAGES = [
  { path: "/", name: "Notifications", icon: Bell },
  { path: "/flow", name: "Flow", icon: Activity },
  { path: "/dead-letters", name: "Dead letters", icon: MailX },
  { path: "/policies", name: "Policies", icon: SlidersHorizontal },
  { path: "/preferences", name: "Preferences", icon: UserCog },
  { path: "/replays", name: "Replays", icon: ListRestart },
  { path: "/read-models", name: "Read models", icon: DatabaseZap },
  { path: "/mailbox", name: "Mailbox", icon: Inbox },
  { path: "/docs", name: "API", icon: BookOpen },
];

const WAYS: Record<Way, [string, string]> = {
  socket: ["Live", "Changes come over a WebSocket."],
  stream: ["Live (stream)", "The socket is away: changes come as server-sent events."],
  polling: ["Every 3 s", "Socket and stream are away: the list is read every 3 seconds."],
  connecting: ["Connecting …", "Tidings does not answer yet."],
};

const ICONS: Record<Theme, typeof Sun> = { light: Sun, system: Monitor, dark: Moon };

export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const page = useRef<HTMLElement>(null);
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is what it is about
  useEffect(() => {
    if (!first.current) page.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return (
    <div className="shell">
      <a className="skip" href="#page">
        To the page
      </a>
      <header className="side">
        <Link href="/" className="brand" aria-label="Tidings, to the notifications">
          <img src="/assets/tidings.svg" alt="" />
          Tidings
        </Link>
        <Pages path={path} />
        <footer>
          <SignedIn />
          <Liveness />
          <Themes />
        </footer>
      </header>
      <main id="page" ref={page} tabIndex={-1}>
        <Broken key={path}>{children}</Broken>
      </main>
    </div>
  );
}

function Pages({ path }: { path: string }) {
  const letters = useQuery({ queryKey: ["letter counts"], queryFn: letterCounts, refetchInterval: 15_000 });
  const open = letters.data?.states.open ?? 0;
  const here = (wanted: string) =>
    wanted === "/" ? path === "/" || path.startsWith("/notifications") : path === wanted;
  const pages = useRef<HTMLElement>(null);
  // On a narrow screen they stand side by side, and not all of them fit.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is what it is about
  useEffect(() => {
    const show = () =>
      pages.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    show();
    window.addEventListener("resize", show);
    return () => window.removeEventListener("resize", show);
  }, [path]);
  return (
    <nav aria-label="Pages" ref={pages}>
      <ul>
        {PAGES.map(({ path: wanted, name, icon: Icon }) => (
          <li key={wanted}>
            <Link href={wanted} aria-current={here(wanted) ? "page" : undefined}>
              <Icon size={17} strokeWidth={1.9} aria-hidden />
              {name}
              {wanted === "/dead-letters" && open > 0 ? (
                <span className="tally" title={`${open} open`}>
                  {count(open)}
                  <span className="hidden-visually"> open</span>
                </span>
              ) : null}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Liveness() {
  const { way } = useLive();
  const [name, about] = WAYS[way];
  return (
    <div className="way" data-way={way} role="status" title={about}>
      <i className={way === "connecting" ? "beat" : undefined} />
      <span>{name}</span>
      <span className="hidden-visually">{about}</span>
    </div>
  );
}

function Themes() {
  const [theme, setTheme] = useTheme();
  return (
    <ToggleGroup.Root
      type="single"
      className="themes"
      aria-label="Light or dark"
      value={theme}
      onValueChange={(next) => next && setTheme(next as Theme)}
    >
      {THEMES.map((name) => {
        const Icon = ICONS[name];
        return (
          <ToggleGroup.Item key={name} value={name} aria-label={name} title={name}>
            <Icon size={15} aria-hidden />
          </ToggleGroup.Item>
        );
      })}
    </ToggleGroup.Root>
  );
}
