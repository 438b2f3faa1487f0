"""The kinds of processes that make up the system; light, so that commands which only name them start at once."""

MODULES = {
    "web": "deploy.web.app",
    "bridge": "deploy.bridge",
    "admit": "streams.admit",
    "lifecycle": "streams.lifecycle",
    "deliver": "streams.deliver",
    "projections": "projections.runner",
    "replays": "projections.replay.runner",
}
"""What runs each kind of process."""
