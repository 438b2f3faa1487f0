"""Folds the log into read models (MongoDB); they can always be computed again. Stands between the log and `gateway`.

Two processes: `runner` keeps the read models up, `replay.runner` works on replays.

- `models` declares the read models, in families that are folded together: `present`, `past`, `letters`; `keyed` has
  those that others add.
- Each family has a `loop`, which takes records from a `source` and has a projector take them in (`projectors`);
  whatever goes wrong, it begins `again` from the stored positions.
- `copies`: a read model may have two, of which one is live; `rebuild` makes one anew and goes over to it.
- `audit` proves that nothing is missing, `whatif` asks what other settings would have done.
- `mongo` is the edge to the database.
"""
