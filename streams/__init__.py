"""The log and everything that writes it: the vocabulary, the pure rules, and the four stages of the pipeline.

RabbitMQ -> bridge -> notification-requests -> admit -> notification-events -> lifecycle -> lanes -> deliver -> the log.
`projections` folds the log into MongoDB; `api` stands before the bridge; `gateway` reads what the projections wrote.

- The stages, each a process: `bridge` (made of `intake`), `admit` and `lifecycle` (by the `rules`, on `folding`; beside
  lifecycle the `reconciler`), `deliver` (made of `delivery`, by `providers`).
- The vocabulary, which all packages share: `events`, `codec`, `topics`, `record`, `operations`, `replays`; `mailbox`
  and `pending` say what lies in Redis.
- What programs share beside it: `settings`, `exits`, `background`, `clock`, `named`, `counted`, `said`; and for HTTP
  `tokens` and `content_type`.
- `letters`, `archive` and `recovery` are what people do with the log; `kafka` and `health` are the edges.
"""
