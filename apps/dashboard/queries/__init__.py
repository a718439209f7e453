"""The SQL of each page, as functions from a reader and typed filters to frames. Nothing here knows Streamlit."""
