"""Two steps of TRL's SFTTrainer on an `openai` export, as a user takes them: ``trl_steps.py MODEL EXPORT SCRATCH``.

A process of its own, so that torch and the trained weights leave with it. The last line that it prints is JSON.
"""

import json
import sys

import torch
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
from trl.chat_template_utils import (
    is_chat_template_prefix_preserving,
    is_chat_template_stop_token_trained,
    supports_tool_calling,
)

model, export, scratch = sys.argv[1:]
config = SFTConfig(
    output_dir=f"{scratch}/trained",
    chat_template_path=f"{export}/chat_template.jinja",
    assistant_only_loss=True,
    max_length=None,
    max_steps=2,
    per_device_train_batch_size=1,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    use_cpu=True,
    bf16=False,
    model_init_kwargs={"dtype": "float32"},
)
rows = load_dataset(export, split="train", cache_dir=f"{scratch}/cache")
trainer = SFTTrainer(model, args=config, train_dataset=rows)
tokenizer = trainer.processing_class
before = [weight.detach().clone() for weight in trainer.model.parameters()]
trainer.train()
changed = [not torch.equal(old, new) for old, new in zip(before, trainer.model.parameters(), strict=True)]
told = {
    "texts": [tokenizer.decode(row["input_ids"]) for row in trainer.train_dataset],
    "learnt": [tokenizer.decode([token for token in row["labels"] if token != -100]) for row in trainer.train_dataset],
    "template": {
        "calls tools": supports_tool_calling(tokenizer),
        "keeps prefixes": is_chat_template_prefix_preserving(tokenizer),
        "learns to stop": is_chat_template_stop_token_trained(tokenizer),
    },
    "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    "changed": sum(changed),
    "weights": len(changed),
}
print("\n" + json.dumps(told))
