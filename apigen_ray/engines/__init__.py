"""What answers a request: a vLLM in the cluster, an OpenAI-compatible server, or a script."""
