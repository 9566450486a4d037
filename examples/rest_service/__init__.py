"""An almanac as a REST service: an ordinary FastAPI application over SQLite, with faults that real services have."""
