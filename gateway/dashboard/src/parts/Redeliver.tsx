/** Has a notification delivered once more: it really sends, and who wanted it and why is on the log. */

import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { redeliver } from "../api/client";
import { Keys } from "../api/keys";
import type { Job, Words } from "../api/types";
import { Sheet } from "./Sheet";
import { useToast } from "./Toasts";
import { WordsForm } from "./Words";

export function Redeliver({ job }: { job: Job }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        Deliver once more
      </button>
      <Sheet
        kind="dialog"
        open={open}
        close={close}
        title="Deliver once more"
        about={`It really goes to ${job.recipient} again, with ${job.maxAttempts} attempts.`}
      >
        <Form job={job} close={close} />
      </Sheet>
    </>
  );
}

function Form({ job, close }: { job: Job; close: () => void }) {
  const toast = useToast();
  const keys = useRef(new Keys());
  const asking = useMutation({
    mutationFn: (words: Words) => redeliver(job.id, words, keys.current.of(words)),
    onSuccess: () => {
      toast("It is on the log. What becomes of it is in the story.");
      close();
    },
  });
  return (
    <WordsForm
      does="Deliver"
      pending={asking.isPending}
      error={asking.error}
      example="she never got it"
      say={asking.mutate}
      cancel={close}
    />
  );
}
