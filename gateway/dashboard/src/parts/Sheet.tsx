/** A dialog: at the side for forms, in the middle for questions. */

import { X } from "lucide-react";
import { Dialog } from "radix-ui";
import type { ReactNode } from "react";

interface Asked {
  open: boolean;
  close: () => void;
  title: string;
  about: string;
  children: ReactNode;
  kind?: "sheet" | "dialog";
}

export function Sheet({ open, close, title, about, children, kind = "sheet" }: Asked) {
  return (
    <Dialog.Root open={open} onOpenChange={(wanted) => wanted || close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className={kind}>
          <header>
            <div>
              <Dialog.Title asChild>
                <h2>{title}</h2>
              </Dialog.Title>
              <Dialog.Description className="muted">{about}</Dialog.Description>
            </div>
            <Dialog.Close className="button" data-kind="quiet" data-small aria-label="Close">
              <X size={17} aria-hidden />
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
