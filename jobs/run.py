"""The run of a config as a Ray job: ``ray job submit --working-dir . -- python jobs/run.py jobs/smoke.yaml --set a=b``.

Takes what ``apigen run`` takes, and joins the cluster that it was submitted to. What became of the run stands in
``result.json`` of its directory: of a job that failed, Ray hands back 1, whatever its exit code was.
"""

import sys

from apigen_ray.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
