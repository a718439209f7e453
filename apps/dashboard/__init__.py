"""The web application: what people see of a publish. The only package that knows Streamlit."""
