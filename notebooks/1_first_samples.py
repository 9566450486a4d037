# %% [markdown]
# # First samples
#
# A language model learns to call functions from examples: a request, the functions on offer, the right calls. People
# write such examples slowly and models write them badly. The way out is to let a model write many and to believe none
# of them before it is checked, the calls by executing them. That is what this library does, and here is a first run:
# real functions, a real model with 135 million weights (it came with the installation and fits any laptop), every
# check at work.

# %%
import json
from collections import Counter

import apigen_ray as apigen

# %% [markdown]
# ## What to ask for
#
# A run is one configuration. This one takes twelve functions out of the built-in library. Code draws the calls and
# executes them first (`call_first`), and the model is only asked to phrase the request that a person would have made:
# the part of the work that a model of this size can do. Six examples show it the manner.

# %%
FUNCTIONS = """average_star_rating barcode_country body_mass_index daily_water_intake days_between_dates heat_index
    leap_year_check moon_phase paint_needed prime_factors roman_numeral weekday_of_date"""

config = apigen.RunConfig(
    name="first-samples",
    size=36,
    library=[{"kind": "python", "module": "apigen_ray.library.functions", "functions": FUNCTIONS.split()}],
    sampling={
        "mode": "call_first",
        "styles": {"simple": 2, "multiple": 1},
        "apis": [2, 3],
        "examples": 6,
        "builtin_seeds": "plain",
    },
    generators=[
        {
            "engine": "vllm",
            "model": "embedded",
            "logprobs": True,
            "max_model_len": 2048,
            "sampling": {"temperature": 0, "max_tokens": 80, "stop": ["\n"]},
        }
    ],
    semantic={"checks": ["originality", "wording", "likelihood"], "likelihood_threshold": -0.3},
)

# %% [markdown]
# Most of the next minute goes into starting the engine. With a larger model behind a server, only `generators`
# changes.

# %%
run = apigen.run(config, clean=True)

# %% [markdown]
# ## What came out
#
# Every reply became a row with a verdict, and no row was dropped: that is how one sees where a model is weak.

# %%
Counter(row["verdict"] for row in run.samples(None))

# %%
report = run.report()
print(f"{report['verified']} of {report['samples']} rows are verified: {report['pass_rate']:.0%}.")

# %% [markdown]
# A verified row is a request, the functions that were offered, the calls, and what the calls gave back. Nothing here
# is invented by the model but the request itself, and that was checked against the values of the calls. Read them all
# the same: a program that checks does not see everything, and `docs/quality.md` counts what people found.

# %%
for row in run.samples(columns=["query", "answers", "results", "tools"]):
    print(row["query"])
    for call, result in zip(row["answers"], row["results"], strict=True):
        arguments = ", ".join(f"{name}={json.dumps(value)}" for name, value in call["arguments"].items())
        print(f"    {call['name']}({arguments}) = {json.dumps(result['value'])}")
    print(f"    offered: {', '.join(tool['name'] for tool in row['tools'])}")

# %% [markdown]
# And the first of those that were refused. The model writes the request after the call, so the usual fault is a
# request that does not say every value: nobody could answer it.

# %%
for row in run.samples("fail_grounding"):
    print(row["query"], "\n    ", row["grounding_code"], row["grounding_detail"])
    break

# %% [markdown]
# ## Where it lies
#
# A run is a folder of Parquet files, by verdict, with the configuration beside them. Run the cell above again with
# `resume=True` in place of `clean=True` and a larger `size`, and what is there stays: no reply is asked for twice.

# %%
for file in sorted(run.path.rglob("*.parquet")):
    print(file.relative_to(run.path), f"{file.stat().st_size:,} bytes")
