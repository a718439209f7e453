"""One Python file a revision, with the statements of each database beside it."""
