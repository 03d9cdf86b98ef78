import pytest
from lang_helpers import lab as make_lab


@pytest.fixture(scope="session")
def lab():
    return make_lab()


@pytest.fixture(scope="session")
def types(lab):
    label, nat = (lab.types["label"],), (lab.types["nat"],)
    exprs = {
        "positive": (lab.types["positive"],),
        "label": label,
        "nat": nat,
        "tree": (lab.types["tree"], label),
        "list": (lab.types["list"], label),
        "nats": (lab.types["list"], nat),
        "bool": (lab.types["bool"],),
    }
    made = {name: lab.p.type([expr]) for name, expr in exprs.items()}
    made["pair of nat"] = lab.p.type([nat, nat])
    return made
