/** The dashboard: its pages, by path. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Route, Switch } from "wouter";
import { ApiError } from "./api/client";
import { LiveProvider } from "./live/live";
import "./look/tokens.css";
import "./look/base.css";
import "./look/shell.css";
import "./look/parts.css";
import "./look/pages.css";
import { Compass } from "lucide-react";
import { Flow } from "./pages/Flow";
import { Letters } from "./pages/Letters";
import { Mailbox } from "./pages/Mailbox";
import { Notification } from "./pages/Notification";
import { Notifications } from "./pages/Notifications";
import { Policies } from "./pages/Policies";
import { Preferences } from "./pages/Preferences";
import { ReadModels } from "./pages/ReadModels";
import { Replays } from "./pages/Replays";
import { Shell } from "./parts/Shell";
import { Gate } from "./parts/SignIn";
import { Empty, Loading } from "./parts/States";
import { Toasts } from "./parts/Toasts";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

/** Apart from the rest, since it is large and seldom looked at. */
const Docs = lazy(() => import("./pages/Docs"));

const root = document.getElementById("root");
if (root === null) throw new Error("expected an element #root in index.html");

const docs = (
  <Suspense fallback={<Loading what="The documents are read" />}>
    <Docs />
  </Suspense>
);

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Gate open={{ "/docs": docs }}>
        <LiveProvider>
          <Toasts>
            <Shell>
              <Switch>
                <Route path="/" component={Notifications} />
                <Route path="/notifications/:id">{({ id }) => <Notification key={id} id={id} />}</Route>
                <Route path="/flow" component={Flow} />
                <Route path="/dead-letters" component={Letters} />
                <Route path="/policies" component={Policies} />
                <Route path="/preferences" component={Preferences} />
                <Route path="/replays" component={Replays} />
                <Route path="/read-models" component={ReadModels} />
                <Route path="/mailbox" component={Mailbox} />
                <Route path="/docs">{docs}</Route>
                <Route>
                  <Empty icon={Compass} title="There is no such page">
                    The pages there are stand at the left.
                  </Empty>
                </Route>
              </Switch>
            </Shell>
          </Toasts>
        </LiveProvider>
      </Gate>
    </QueryClientProvider>
  </StrictMode>,
);
