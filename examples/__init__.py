"""Two services that a run can be tried on: a REST API and a server of the Model Context Protocol."""
