"""What the commands of an operator do with the servers of a stack that runs, and what a person sees of it."""
