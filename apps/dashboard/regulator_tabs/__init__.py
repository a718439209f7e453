"""Parts of the page Regulator query: the answer to one id, and the requests for many rows."""
