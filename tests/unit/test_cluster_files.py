"""What starts a cluster validates by those who read it, and fits the run that it is for; nothing is started."""

import copy
import gzip
import importlib.metadata
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from apigen_ray.config import RunConfig, load_config
from apigen_ray.job.prepare import prepare

ROOT = Path(__file__).parents[2]
CRD = ROOT.parent / "shared" / "data" / "kuberay_rayjobs_crd.yaml.gz"
FOLDER = "/home/ray/apigen-ray"
"""The project in every container."""

Json = dict[str, Any]


@pytest.fixture
def cluster() -> Json:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text("utf-8"))


@pytest.fixture
def rayjob() -> Json:
    return yaml.safe_load((ROOT / "kuberay" / "rayjob.yaml").read_text("utf-8"))


def gpus_of(config: RunConfig) -> int:
    """That its engines hold together, as the job counts them."""
    prepared = prepare(config)
    engines = [*prepared.drafting(prepared.planner()).generators.values(), *prepared.judging().engines()]
    return sum(engine.holds(float("inf")).gpus for engine in engines)


def launch(config: Json) -> Json:
    """As ``ray up`` reads it."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared: Json = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def is_ours(image: str) -> bool:
    """Whether an image has the Ray and a Python that the project wants."""
    minor = ".".join(importlib.metadata.version("ray").split(".")[:2])
    return re.fullmatch(rf"rayproject/ray:{re.escape(minor)}\.\d+-py311-gpu", image) is not None


def test_ray_takes_the_launcher_s_file(cluster: Json) -> None:
    assert launch(cluster)["head_start_ray_commands"] == cluster["head_start_ray_commands"]


@pytest.mark.parametrize("break_it", ["key", "head", "workers", "node"])
def test_the_validator_would_say_so(cluster: Json, break_it: str) -> None:
    if break_it == "key":
        cluster["setup_command"] = []
    elif break_it == "head":
        cluster["head_node_type"] = "boss"
    elif break_it == "workers":
        cluster["max_workers"] = 0
    else:
        cluster["available_node_types"]["gpu"]["spot"] = True
    with pytest.raises(Exception, match=r"setup_command|head_node_type|max_workers|spot"):  # of several classes
        launch(cluster)


def test_the_launcher_starts_what_the_recipe_needs(cluster: Json) -> None:
    types = launch(cluster)["available_node_types"]
    head, gpu, cpu = (types[name] for name in (cluster["head_node_type"], "gpu", "cpu"))
    assert head["resources"] == {"CPU": 0}
    assert "InstanceMarketOptions" not in head["node_config"]
    assert [kind["node_config"]["InstanceMarketOptions"] for kind in (gpu, cpu)] == [{"MarketType": "spot"}] * 2
    assert cpu["min_workers"] < cpu["max_workers"]
    assert gpu["max_workers"] + cpu["max_workers"] <= cluster["max_workers"]
    config = load_config(ROOT / "jobs" / "gpu-cluster.yaml")
    assert gpus_of(config) == gpu["min_workers"] * gpu["resources"]["GPU"] == 8
    mounted = [words.split(":")[-1] for words in cluster["docker"]["run_options"] if words.startswith("--volume ")]
    assert mounted == ["/shared"]
    assert config.output.dir.parent == Path(mounted[0])


def test_the_launcher_installs_the_project_for_gpus(cluster: Json) -> None:
    # a folder that holds one wheel: Ray reads all that it mounts, and would read the environment beside the project
    assert cluster["file_mounts"] == {"/home/ray/dist": "dist"}
    assert "\ndist/\n" in (ROOT / ".gitignore").read_text("utf-8")
    assert cluster["setup_commands"] == ['pip install "$(ls /home/ray/dist/apigen_ray-*.whl)[vllm]"']
    assert is_ours(cluster["docker"]["image"])
    [head] = [command for command in cluster["head_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in head.split()


def strict(schema: Any) -> Any:
    """The schema without the licence to misspell: Kubernetes drops keys that it does not know, without a word."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema["properties"] | schema:
        closed.setdefault("additionalProperties", False)
    return closed


@pytest.fixture(scope="module")
def crd() -> jsonschema_rs.Draft202012Validator:
    if not CRD.exists():
        pytest.skip("KubeRay's published schema is not here (../shared/data)")
    with gzip.open(CRD, "rt", encoding="utf-8") as file:
        document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (both are safe)
    [version] = [version for version in document["spec"]["versions"] if version["name"] == "v1"]
    return jsonschema_rs.Draft202012Validator(strict(version["schema"]["openAPIV3Schema"]))


def test_kuberay_takes_the_job(rayjob: Json, crd: jsonschema_rs.Draft202012Validator) -> None:
    assert (rayjob["apiVersion"], rayjob["kind"]) == ("ray.io/v1", "RayJob")
    assert [str(error) for error in crd.iter_errors(rayjob)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.backoffLimit", "3"),
        ("spec.backofLimit", 3),
        ("spec.rayClusterSpec.headGroupSpec", None),
        ("spec.rayClusterSpec.workerGroupSpecs.0.maxReplicas", None),
        ("spec.rayClusterSpec.workerGroupSpecs.0.template.spec.containers.0.image", 1),
        ("spec.rayClusterSpec.workerGroupSpecs.0.template.spec.containers.0.volumeMount", []),
        ("spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0),
    ],
)
def test_the_schema_would_say_so(rayjob: Json, crd: jsonschema_rs.Draft202012Validator, path: str, value: Any) -> None:
    job = copy.deepcopy(rayjob)
    *parents, last = path.split(".")
    at: Any = job
    for step in parents:
        at = at[int(step) if step.isdigit() else step]
    at.pop(last, None)
    if value is not None:
        at[last] = value
    assert not crd.is_valid(job)


def test_the_job_is_the_paper_s_run(rayjob: Json) -> None:
    spec = rayjob["spec"]
    words = shlex.split(spec["entrypoint"])
    assert words[:4] == ["python", "jobs/run.py", "jobs/xlam-60k.yaml", "--resume"]
    assert words[4::2] == ["--set"] * 4
    assert not set(";&|$`") & set(spec["entrypoint"])  # KubeRay puts it into a shell command
    config = load_config(ROOT / "jobs" / "xlam-60k.yaml", words[5::2])
    urls = [getattr(each, "base_url", None) for each in (*(g.spec for g in config.generators), config.judge.spec)]
    assert [url and "localhost" in url for url in urls] == [None, None, False, False, False]
    assert yaml.safe_load(spec["runtimeEnvYAML"]) == {"working_dir": FOLDER}

    cluster = spec["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [group["template"]["spec"] for group in groups]
    containers = [container for pod in pods for container in pod["containers"]]
    assert len(containers) == len(groups)
    assert is_ours(f"rayproject/ray:{cluster['rayVersion']}-py311-gpu")
    assert len({container["image"] for container in containers}) == 1
    assert len({str(container["envFrom"]) for container in containers}) == 1
    for container, pod in zip(containers, pods, strict=True):
        [mount] = container["volumeMounts"]
        assert config.output.dir.parent == Path(mount["mountPath"])
        assert [volume["name"] for volume in pod["volumes"]] == [mount["name"]]
    held = [
        group["minReplicas"] * int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"])
        for group in cluster["workerGroupSpecs"]
        if group["groupName"] == "gpu"
    ]
    assert held == [gpus_of(config)] == [6]
    assert all(group["minReplicas"] <= group["replicas"] <= group["maxReplicas"] for group in groups[1:])


def test_the_image_holds_what_the_job_needs() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    [image] = [line.removeprefix("FROM ") for line in lines if line.startswith("FROM ")]
    assert is_ours(image)
    assert f"WORKDIR {FOLDER}" in lines
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[2:-1]}
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert copied == {line[1:] for line in allowed if line.startswith("!")}
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {"apigen_ray", "jobs"} <= copied
    assert 'RUN pip install --no-cache-dir ".[vllm]"' in lines
