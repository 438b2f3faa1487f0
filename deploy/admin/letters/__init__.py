"""Behind the command `dead-letters`: which letters are meant, what is done about them, how they are shown."""
