"""Status changes as they happen, for streams over HTTP and for sockets."""
