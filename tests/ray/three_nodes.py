"""A simulated cluster of three nodes in a process of its own: says its address, and obeys ``remove`` and ``end``."""

import sys

from ray.cluster_utils import Cluster


def main() -> None:
    """Until the input ends or says so."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    others = [cluster.add_node(num_cpus=2) for _ in range(2)]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        cluster.remove_node(others.pop(), allow_graceful=False)
        print("removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
