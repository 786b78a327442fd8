"""The routers that ``compare`` knows by name, and what kind of system each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from paretoroute.errors import TargetError, did_you_mean
from paretoroute.evaluation.routers.argrouter import ArgRouter
from paretoroute.evaluation.routers.avengers_pro import AvengersPro
from paretoroute.evaluation.routers.base import Router
from paretoroute.evaluation.routers.best_route import BestRoute
from paretoroute.evaluation.routers.best_single import BestSingle
from paretoroute.evaluation.routers.carrot import Carrot
from paretoroute.evaluation.routers.cascade_routing import CascadeRouter
from paretoroute.evaluation.routers.damani import Damani
from paretoroute.evaluation.routers.frugalgpt import FrugalGpt
from paretoroute.evaluation.routers.hybrid_llm import HybridLlm
from paretoroute.evaluation.routers.kmeans import KMeans
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.llm_blender import LlmBlender
from paretoroute.evaluation.routers.masrouter import MasRouter
from paretoroute.evaluation.routers.methods.pairs import Names
from paretoroute.evaluation.routers.paretobandit import ParetoBandit
from paretoroute.evaluation.routers.prompt_length import PromptLength
from paretoroute.evaluation.routers.r2_router import R2Router
from paretoroute.evaluation.routers.radar import Radar
from paretoroute.evaluation.routers.random_share import RandomShare
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.routers.routellm_mf import RouteLlmMf
from paretoroute.evaluation.routers.routellm_sw import RouteLlmSw
from paretoroute.evaluation.routers.routerbench_knn import RouterBenchKnn
from paretoroute.evaluation.routers.slm_first import SmallFirst
from paretoroute.evaluation.routers.snell import Snell
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.routers.tag import Tag

Kind = Literal["default", "published", "baseline", "control", "custom"]


@dataclass(frozen=True)
class Entry:
    """A router that can be asked for by name.

    Args:
        kind: "published" for a published system, "baseline" for a plain method, "control" for a bound or a check.
        make: builds the router; two-point systems take the pair that the user names.
    """

    kind: Kind
    make: Callable[[Names | None], Router]


ROUTERS: dict[str, Entry] = {
    "routellm-mf": Entry("published", lambda pair: RouteLlmMf(pair)),
    "routellm-sw": Entry("published", lambda pair: RouteLlmSw(pair)),
    "hybrid-llm-det": Entry("published", lambda pair: HybridLlm("det", pair)),
    "hybrid-llm-prob": Entry("published", lambda pair: HybridLlm("prob", pair)),
    "hybrid-llm-trans": Entry("published", lambda pair: HybridLlm("trans", pair)),
    "best-route": Entry("published", lambda pair: BestRoute()),
    "frugalgpt": Entry("published", lambda pair: FrugalGpt()),
    "llm-blender": Entry("published", lambda pair: LlmBlender()),
    "avengers-pro": Entry("published", lambda pair: AvengersPro()),
    "masrouter": Entry("published", lambda pair: MasRouter()),
    "snell": Entry("published", lambda pair: Snell()),
    "damani": Entry("published", lambda pair: Damani()),
    "cascade-routing": Entry("published", lambda pair: CascadeRouter()),
    "carrot": Entry("published", lambda pair: Carrot()),
    "radar": Entry("published", lambda pair: Radar()),
    "r2-router": Entry("published", lambda pair: R2Router()),
    "argrouter": Entry("published", lambda pair: ArgRouter()),
    "paretobandit": Entry("published", lambda pair: ParetoBandit()),
    "routerbench-knn": Entry("published", lambda pair: RouterBenchKnn()),
    "knn": Entry("baseline", lambda pair: NearestNeighbours()),
    "kmeans": Entry("baseline", lambda pair: KMeans()),
    "ridge": Entry("baseline", lambda pair: Ridge()),
    "prompt-length": Entry("control", lambda pair: PromptLength(pair)),
    "random": Entry("control", lambda pair: RandomShare(pair)),
    "tag": Entry("control", lambda pair: Tag()),
    "best-single": Entry("control", lambda pair: BestSingle()),
    "static": Entry("control", lambda pair: StaticMixture()),
    "slm-first": Entry("control", lambda pair: SmallFirst()),
}
"""All but the default, "paretoroute", and the oracle, which every comparison includes."""


def kind_of(name: str) -> Kind:
    """Return what kind of system a router of this name is; "custom" for one that is not in the registry."""
    if name in ROUTERS:
        return ROUTERS[name].kind
    if name == "paretoroute":
        return "default"
    return "control" if name == "oracle" else "custom"


def routers_named(names: Sequence[str], pair: Names | None = None) -> tuple[Router, ...]:
    """Build the routers of some names, in their order.

    Args:
        names: keys of :data:`ROUTERS`; "paretoroute" and "oracle" are part of every comparison and are passed over.
        pair: names of the weak and the strong point for two-point systems; None: each chooses on the training side.

    Raises:
        TargetError: a name is unknown.
    """
    wanted = [name for name in dict.fromkeys(names) if name not in ("paretoroute", "oracle")]
    for name in wanted:
        if name not in ROUTERS:
            raise TargetError(
                f"{name!r} is no router ({did_you_mean(name, list(ROUTERS))}); use some of {', '.join(ROUTERS)}"
            )
    return tuple(ROUTERS[name].make(pair) for name in wanted)
