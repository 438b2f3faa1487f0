/** The picture of each thing that happens to a notification, as its story or the log calls it. */

import {
  Ban,
  Check,
  Clock,
  Eye,
  Inbox,
  Layers,
  type LucideIcon,
  OctagonX,
  RotateCw,
  Send,
  ShieldCheck,
  Unplug,
} from "lucide-react";

const MARKS: Record<string, LucideIcon> = {
  requested: Inbox,
  created: Inbox,
  accepted: ShieldCheck,
  queued: Layers,
  redelivered: Layers,
  sending: Send,
  sent: Check,
  "send-failed": RotateCw,
  "send-lost": Unplug,
  lost: Unplug,
  "send-deferred": Clock,
  deferred: Clock,
  "retry-scheduled": RotateCw,
  retry_scheduled: RotateCw,
  failed: OctagonX,
  suppressed: Ban,
  withheld: Ban,
  acknowledged: Eye,
};

export const markOf = (event: string): LucideIcon => MARKS[event] ?? Clock;
