/** A channel's icon. */

import { Inbox, type LucideIcon, Mail, MessageSquare, Smartphone } from "lucide-react";
import type { Channel as Name } from "../api/types";

const ICONS: Record<Name, LucideIcon> = {
  email: Mail,
  sms: MessageSquare,
  push: Smartphone,
  "in-app": Inbox,
};

export function Channel({ name }: { name: Name }) {
  const Icon = ICONS[name];
  return (
    <>
      <Icon size={15} strokeWidth={1.9} aria-hidden />
      {name}
    </>
  );
}
