# %% [markdown]
# # Bring your own APIs
#
# A model is most useful where it calls what is yours. Two kinds of APIs become a library here without a line of glue:
# Python functions with type hints and docstrings, and a web service that has an OpenAPI document.

# %%
import json
import os
import secrets
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx

import apigen_ray as apigen
from examples.rest_service.process import running

ROOT = Path(apigen.__file__).parents[1]

# %% [markdown]
# ## Functions
#
# Say that we bake bread and send it by post. Types tell what may be passed, docstrings tell the model what it is
# about.


# %%
def bread_hydration(flour_grams: int, water_grams: int) -> float:
    """Hydration of a bread dough in percent.

    Args:
        flour_grams: Weight of the flour in grams.
        water_grams: Weight of the water in grams.
    """
    return round(100 * water_grams / flour_grams, 1)


def gas_mark(celsius: int) -> int:
    """Gas mark of an oven for a temperature.

    Args:
        celsius: Temperature of the oven in degrees Celsius.
    """
    return round((celsius - 121) / 14)


def parcel_postage(weight_kg: float) -> float:
    """Postage of a parcel in euros.

    Args:
        weight_kg: Weight of the parcel in kilograms, 30 at most.
    """
    if not 0 < weight_kg <= 30:
        raise ValueError("no parcel weighs that")
    return round(3.5 + 0.8 * weight_kg, 2)


# %% [markdown]
# Calls are executed in processes that have no files, no network and nothing of this notebook, so the functions are
# written to a file. One that says nothing of its parameter is refused: nobody could check a call of it.


# %%
def shelf(item):
    """Where an item lies."""
    return {"flour": 3, "salt": 4}[item]


mine = apigen.functions(bread_hydration, gas_mark, parcel_postage, file="my_functions.py")
try:
    apigen.functions(shelf, file="my_shelf.py")
except apigen.ApigenError as error:
    print(f"refused: {error.message}")

# %% [markdown]
# Values are drawn by type and by what the names suggest. Whoever knows better writes a lexicon; without ours there
# would be parcels of 300 kg, whose calls raise and cost their samples.

# %%
_ = Path("my_values.yaml").write_text("""\
bread_hydration.flour_grams: {range: [400, 1200], step: 50}
bread_hydration.water_grams: {range: [240, 900], step: 20}
gas_mark.celsius: {range: [140, 250], step: 10}
parcel_postage.weight_kg: {range: [1, 24], step: 0.5}
""")

# %% [markdown]
# ## A service
#
# With the sources comes an example service, an almanac on loopback with its OpenAPI document. Some operations are
# free, `account_balance` wants a token. A configuration holds the name of an environment variable, never the token.

# %%
os.environ["ALMANAC_TOKEN"] = secrets.token_hex()
service = ExitStack()
address = service.enter_context(running())

document = httpx.get(f"{address}/openapi.json").json()
Path("almanac.json").write_text(json.dumps(document))
print(sum(len(operations) for operations in document["paths"].values()), "operations")

# %% [markdown]
# ## One library of both
#
# The recipe of the service's own quickstart has all else that a run needs; settings change it here and there. It names
# the host: those of a private network are refused otherwise, since a document from elsewhere could make us knock at
# any door.

# %%
almanac = {
    "kind": "openapi",
    "path": "almanac.json",
    "server": address,
    "auth": {"bearer": "ALMANAC_TOKEN"},
    "operations": ["account_balance", "melting_point", "olympic_host", "stadium_capacity"],
}
recipe = apigen.load_config(ROOT / "jobs" / "quickstart-rest.yaml")
config = apigen.load_config(
    {**dict(recipe), "name": "my-apis", "size": 16, "library": [*mine, almanac]},
    ["sampling.lexicons=[my_values.yaml]"],
)

# %% [markdown]
# ## A run
#
# Every call is made before its request is written, functions behind walls and operations over HTTP, and what came back
# is kept with the sample.

# %%
run = apigen.run(config, clean=True)
service.close()

# %%
for row in run.samples():
    [call], [result] = row["answers"], row["results"]
    arguments = ", ".join(f"{name}={json.dumps(value)}" for name, value in call["arguments"].items())
    print(f"{row['query']}\n    {call['name']}({arguments}) = {json.dumps(result['value'])}")

# %% [markdown]
# Which of our APIs are hard to ask for? A small model stumbles over some; a larger one stumbles less, and the table
# stays.

# %%
table = Counter((row["planned"][0]["name"], row["verdict"]) for row in run.samples(None) if row["planned"])
for (name, verdict), count in sorted(table.items()):
    print(f"{name:18}{verdict:16}{count:3}")
