"""Turns the embedded model's quantised weights into a checkpoint: ``python convert.py GGUF DIRECTORY``.

A process of its own, so that torch (half a gigabyte, five seconds) and the progress bars of what it calls never come
into the driver's.
"""

import sys
from pathlib import Path


def convert(gguf: Path, into: Path) -> None:
    """Dequantises the weights to bfloat16; the tokenizer brings its chat template along."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    config = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16, quantization_config=config)
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
