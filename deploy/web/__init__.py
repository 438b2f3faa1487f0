"""HTTP as it is served: the web process, which is `api` and `gateway` on one port, who may ask what, and `/metrics`."""
