"""The local stack: a home folder, free ports, installed programs, and supervisord that keeps all of them running."""
