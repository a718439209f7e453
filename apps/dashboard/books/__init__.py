"""Parts of the pages on the books: a break and what is done with it, proposals of sign-offs and closes."""
