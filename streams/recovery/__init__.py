"""Makes again what a processor has lost and the log still tells: tables from events, in silence, and places in lanes.

`jobs` and `histories` fold the log into the tables of lifecycle and admit, pure; `rebuild` reads, writes and commits;
`lanes` puts deliver's groups at the ends of their lanes. Nothing here can send: there is no lane producer.
"""
