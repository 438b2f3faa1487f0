"""The web process: `api` and `gateway` as one program on one port, who may ask it what, and HTTP as it is served."""
