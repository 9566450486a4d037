# %% [markdown]
# # Read the rejections
#
# What a run refuses tells more than what it keeps: where the model is weak, and where a check is too strict. Here are
# the rejected rows of the first notebook's run, and then an experiment: rows broken on purpose, to see what the checks
# catch.

# %%
import runpy
from collections import Counter
from pathlib import Path

import apigen_ray as apigen

NOTEBOOKS = Path(apigen.__file__).parents[1] / "notebooks"

if not Path("runs/first-samples").exists():
    runpy.run_path(str(NOTEBOOKS / "1_first_samples.py"))
run = apigen.open_run("runs/first-samples")

# %% [markdown]
# ## Stage by stage
#
# Four stages look at a row one after another: is it well formed, do its calls execute, does the request say what the
# calls need, does it mean the same? The first that says no ends the row's way and leaves a code and a detail.

# %%
STAGES = ["format", "execution", "grounding", "semantic"]


def reason(row):
    """The stage and the code that a row fell by."""
    stage = next(stage for stage in STAGES if row["verdict"] == f"fail_{stage}")
    return stage, row[f"{stage}_code"], row[f"{stage}_detail"]


rejected = [row for row in run.samples(None) if row["verdict"].startswith("fail_")]
for (stage, code), count in Counter(reason(row)[:2] for row in rejected).most_common():
    print(f"{count:3}  {stage:10} {code}")

# %% [markdown]
# One row of each code. `docs/codes.md` explains every code with an example. On the command line `apigen show
# runs/first-samples --id ...` tells one row's whole story, from its prompt on.

# %%
for code, row in {reason(row)[1]: row for row in rejected}.items():
    print(f"{code}: {reason(row)[2]}\n    {row['query'] or row['reply']['text']}\n    {row['planned']}")

# %% [markdown]
# ## A closer look at one code
#
# `unlikely` rows are grounded and clear, and the model was still not sure of what it wrote. A threshold is a choice,
# so look at what another one would let in, the surest first:

# %%
unlikely = [row for row in rejected if row["semantic_code"] == "unlikely"]
for row in sorted(unlikely, key=lambda row: -row["reply"]["logprob"]):
    print(f"{row['reply']['logprob']:6.2f}  {row['query']}")

# %% [markdown]
# Whoever finds those good lowers `semantic.likelihood_threshold`, or takes them by verdict:
# `run.samples("fail_semantic")` and a filter like the one above.
#
# ## Broken on purpose
#
# Do the checks refuse what is wrong? Take the verified rows and break their calls in known ways: leave an argument
# out, invent one, take the values of another call of the same function, or call a function that takes the same
# arguments and does something else.

# %%
verified = list(run.samples())
rows = [row for row in run.samples(None) if row["planned"]]
offered = {tool["name"]: tool for row in rows for tool in row["tools"]}
ALIKE = [("prime_factors", "roman_numeral"), ("moon_phase", "weekday_of_date")]
TWIN = {one: other for pair in ALIKE for one, other in (pair, pair[::-1])}


def broken(row):
    """The ways to break a row's call that there are: the functions on offer, and the call."""
    [call] = row["answers"]
    name, arguments, tools = call["name"], call["arguments"], row["tools"]
    yield "as it was", tools, call
    yield "argument left out", tools, {"name": name, "arguments": dict(list(arguments.items())[1:])}
    yield "argument invented", tools, {"name": name, "arguments": {**arguments, "mode": "fast"}}
    for other in (other["planned"][0] for other in rows):
        if other["name"] == name and not {*map(str, other["arguments"].values())} & {*map(str, arguments.values())}:
            yield "other values", tools, other
            break
    if name in TWIN:
        tools = [tool for tool in tools if tool["name"] != TWIN[name]] + [offered[TWIN[name]]]
        [argument] = offered[TWIN[name]]["parameters"]["required"]
        yield "other function", tools, {"name": TWIN[name], "arguments": {argument: next(iter(arguments.values()))}}


records = [
    {"id": f"{kind}, {number}", "query": row["query"], "tools": tools, "answers": [call]}
    for number, row in enumerate(verified)
    for kind, tools, call in broken(row)
]
Counter(record["id"].partition(",")[0] for record in records)

# %% [markdown]
# `verify` judges records wherever they come from. The likelihood is left out: nobody generated these calls.

# %%
Path("checks.yaml").write_text("semantic: {checks: [originality, wording]}\n")
checked = apigen.verify(records, "runs/broken", stages=STAGES, library="builtin", config="checks.yaml", clean=True)

judged = list(checked.samples(None))
caught = Counter(
    (row["source_id"].partition(",")[0], *(reason(row)[:2] if row["verdict"] != "verified" else ("passed", "")))
    for row in judged
)
for (kind, stage, code), count in sorted(caught.items()):
    print(f"{kind:20}{stage:12}{code:24}{count:3}")

# %%
passed = [row for row in judged if row["verdict"] == "verified"]
right = [row for row in passed if row["source_id"].startswith("as it was")]
print(f"precision: {len(right)} of the {len(passed)} that passed are right, {len(right) / len(passed):.0%}")
print(f"{len(judged) - len(passed)} of {len(judged) - len(verified)} broken rows were caught")

# %% [markdown]
# Format and execution catch what is not even a call, grounding what the request does not say. The other function is
# the hard case: every value is there, the call executes, and only the meaning is wrong. The paper asks a second model;
# for a model of this size we ask that a request names what it wants.
#
# Faults that people find are of another kind than those that we plant. `apigen review` shows a random sample to
# people, row by row, and computes the precision with its interval from what they say.
