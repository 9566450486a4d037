# %% [markdown]
# # From run to fine-tune
#
# The verified rows of the first notebook go to a trainer, and a model learns from them. Two steps on a few rows teach
# nobody anything; but they go the whole way, and a longer one is the same with larger numbers.

# %%
import json
import re
import runpy
from pathlib import Path

import torch
from datasets import load_dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

import apigen_ray as apigen
from apigen_ray.engines.embedded import embedded_model

NOTEBOOKS = Path(apigen.__file__).parents[1] / "notebooks"

if not Path("runs/first-samples").exists():
    runpy.run_path(str(NOTEBOOKS / "1_first_samples.py"))
run = apigen.open_run("runs/first-samples")

# %% [markdown]
# ## Out of the run
#
# The export `openai` writes conversations, with the functions on offer beside them. A row's split is a hash of its
# request: what the model is tested with, it was not trained on, and a longer run splits alike.

# %%
export = run.export("openai", "data/openai", split={"train": 0.6, "test": 0.4}, clean=True)
print(export["rows"])

# %% [markdown]
# ## What the model reads
#
# Most small models have a chat template that knows nothing of functions. So one lies beside the rows: it renders
# functions, calls and results, and it marks what the assistant says, since only that is to be learnt.

# %%
rows = load_dataset("data/openai")
model = str(embedded_model())
tokenizer = AutoTokenizer.from_pretrained(model)
tokenizer.chat_template = Path("data/openai/chat_template.jinja").read_text()
shortest = min(rows["train"], key=lambda row: len(json.dumps(row)))
print(tokenizer.apply_chat_template(shortest["messages"], tools=shortest["tools"], tokenize=False))

# %% [markdown]
# ## Two steps
#
# `assistant_only_loss` goes by those marks. `max_length=None` cuts nothing: the answer stands at the end of a row, and
# what is cut there is not learnt.

# %%
config = SFTConfig(
    output_dir="data/tuned",
    chat_template_path="data/openai/chat_template.jinja",
    assistant_only_loss=True,
    max_length=None,
    max_steps=2,
    learning_rate=5e-5,
    per_device_train_batch_size=1,
    gradient_checkpointing=False,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    use_cpu=True,
    bf16=False,
    model_init_kwargs={"dtype": "float32"},
)
trainer = SFTTrainer(model, args=config, train_dataset=rows["train"])
learnt = [token for token in trainer.train_dataset[0]["labels"] if token != -100]
print("learnt of the first row:", tokenizer.decode(learnt))

# %% [markdown]
# What does the model make of a request that it will not be trained with? Once before the two steps, once after them.

# %%
*request, answer = rows["test"][0]["messages"]
prompt = tokenizer.apply_chat_template(
    request, tools=rows["test"][0]["tools"], add_generation_prompt=True, return_tensors="pt", return_dict=True
)


def reply():
    """What the model says to the prompt, surest token by token."""
    with torch.inference_mode():
        tokens = trainer.model.eval().generate(**prompt, max_new_tokens=50, do_sample=False)
    return tokenizer.decode(tokens[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)


before = reply()
trainer.train()
after = reply()
print("losses:", [round(entry["loss"], 3) for entry in trainer.state.log_history if "loss" in entry])

# %%
print(f"asked:  {request[0]['content']}\nbefore: {before}\nafter:  {after}")

# %% [markdown]
# A call between `<tool_call>` and `</tool_call>` is what servers look for (vLLM's parser of this form is called
# `hermes`). It takes few lines to compare it with the right one:

# %%
right = [call["function"] for call in answer["tool_calls"]]
right = [{"name": call["name"], "arguments": json.loads(call["arguments"])} for call in right]
for when, said in (("before", before), ("after", after)):
    calls = re.findall("<tool_call>(.*?)</tool_call>", said, re.DOTALL)
    try:
        print(f"{when}: the right calls? {[json.loads(call) for call in calls] == right}")
    except json.JSONDecodeError:
        print(f"{when}: no JSON: {calls}")

# %% [markdown]
# One request proves nothing, and two steps are no training. From here it is a question of rows and steps: a larger
# model in `generators` of the first notebook, thousands of prompts, `max_steps` left out, `trainer.save_model()` at
# the end. How much better the model has become, the leaderboard's checker tells: the export `bfcl` writes its
# questions and answers.
