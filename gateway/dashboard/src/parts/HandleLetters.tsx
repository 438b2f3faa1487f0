/** Asks who wants it and why, then puts dead letters back or gives them up; what was refused is told one by one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { handleLetters } from "../api/client";
import type { Words } from "../api/types";
import { count } from "../live/times";
import { Sheet } from "./Sheet";
import { Fault } from "./States";
import { useToast } from "./Toasts";
import { WordsForm } from "./Words";

interface Asked {
  verb: "redrive" | "drop" | null;
  ids: string[];
  again: boolean;
  close: () => void;
}

const ABOUT = {
  redrive: "Each original goes back to where it came from, as it was.",
  drop: "They are given up for good; they stay on record.",
};
const DONE = { redrive: "put back", drop: "dropped" };

export function HandleLetters({ verb, ids, again, close }: Asked) {
  const title = verb === "drop" ? "Drop" : "Redrive";
  return (
    <Sheet
      kind="dialog"
      open={verb !== null}
      close={close}
      title={`${title} ${count(ids.length)} ${ids.length === 1 ? "letter" : "letters"}`}
      about={verb ? ABOUT[verb] : ""}
    >
      {verb ? <Form verb={verb} ids={ids} again={again} close={close} /> : null}
    </Sheet>
  );
}

function Form({ verb, ids, again, close }: Asked & { verb: "redrive" | "drop" }) {
  const queries = useQueryClient();
  const toast = useToast();
  const handling = useMutation({
    mutationFn: ({ by, why }: Words) => handleLetters(verb, { ids, by, why, ...(again ? { again } : {}) }),
    onSuccess: ({ done, refused }) => {
      if (done.length) toast(`${count(done.length)} ${DONE[verb]}. The list follows within a second.`);
      if (Object.keys(refused).length === 0) close();
    },
    // Some may be done too where it ended with an error.
    onSettled: () => {
      for (const what of ["letters", "letter counts"]) void queries.invalidateQueries({ queryKey: [what] });
    },
  });
  const refused = Object.entries(handling.data?.refused ?? {});
  return (
    <WordsForm
      does={verb === "drop" ? "Drop for good" : "Redrive"}
      grave={verb === "drop"}
      pending={handling.isPending}
      error={handling.error}
      example="mended in 1.2"
      say={handling.mutate}
      cancel={close}
    >
      {refused.map(([id, why]) => (
        <Fault key={id}>
          <code>{id}</code>: {why}
        </Fault>
      ))}
    </WordsForm>
  );
}
