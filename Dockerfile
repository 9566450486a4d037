# One image for every node or pod: Ray's own, with this project and vLLM for GPUs. Keep Ray as pyproject.toml wants it.
#   docker build -t registry.example/apigen-ray:0.1.0 .
FROM rayproject/ray:2.60.0-py311-gpu
WORKDIR /home/ray/apigen-ray
COPY --chown=1000:100 pyproject.toml README.md LICENSE ./
COPY --chown=1000:100 apigen_ray apigen_ray
COPY --chown=1000:100 jobs jobs
RUN pip install --no-cache-dir ".[vllm]"
