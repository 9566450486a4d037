"""A package, so that what has its scope ends with it: playwright's event loop is not left to tests elsewhere."""
