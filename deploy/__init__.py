"""The front door: the command line, the local servers, and the composition root that starts every process.

- `cli` lists the `commands`; `admin` is what these do with a stack that runs, `stack` and `servers` are what it is,
  `bench` measures one.
- `process` runs one process, of the `kinds` there are. Two of them are put together here: `web`, and `bridge`.
- `reference` makes pages of `docs/reference/`.
"""
