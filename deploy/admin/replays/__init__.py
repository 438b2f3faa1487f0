"""Behind the command `replay`: what it is about, what it does, how it is shown."""
