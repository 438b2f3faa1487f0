"""Live delivery: mailboxes out to their users' WebSockets, acknowledgements in. Frames and sessions here are pure."""
