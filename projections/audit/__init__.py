"""Proves from outside that nothing was lost, and nothing doubled in silence, by folding the log again.

In the order of the work, which `audit` leads:
- `bounds`: how far everybody was, then where the topics end;
- `letters`: what was put aside, and which losses were accepted;
- `worker`: the partitions of the log, in processes of their own if it is long; in each, `partition` folds every
  notification into a `story` (`spill` holds those that memory has no room for), `verdict` says what must hold of one,
  `coverage` marks which requests it decides, and a `ledger` is left of what should be elsewhere;
- `requests`: whether each request that was read was decided;
- `lanes`: whether each queued notification has its lane record;
- `read_models`: whether the database has read the log; `comparison` holds its documents against the ledgers by their
  `projections.fingerprints`, and `explain` tells what differs;
- `queues`: what still waits in RabbitMQ;
- `report`, of each `finding`.
"""
