"""Serves what the projections wrote: status, lists and stories over HTTP. The last stage of the flow.

`app` lists the subjects, a folder each: its `desk` answers, by `routes`; `documents` is what the OpenAPI pages say of
it. What subjects share lies beside them: `query` and `bodies` read what is asked, `answers` and `wire` write what is
said, `clients` and `operations` ask the servers. `front` serves the dashboard. `socket` is apart: it takes connections
over, and serves what is `live`.
"""
