"""Routers by name."""

import pytest

from paretoroute.errors import TargetError
from paretoroute.evaluation.routers.registry import ROUTERS, kind_of, routers_named


def test_the_registry_lists_every_system_once():
    names = (
        "routellm-mf routellm-sw hybrid-llm-det hybrid-llm-prob hybrid-llm-trans best-route frugalgpt llm-blender "
        "avengers-pro masrouter snell damani cascade-routing carrot radar r2-router argrouter paretobandit "
        "routerbench-knn knn kmeans ridge prompt-length random tag best-single static slm-first"
    )

    assert list(ROUTERS) == names.split()
    assert all(router.name == name for router, name in zip(routers_named(list(ROUTERS)), ROUTERS, strict=True))


def test_names_are_built_once_in_their_order_with_the_pair():
    built = routers_named(["knn", "paretoroute", "random", "oracle", "knn"], ("a", "b"))

    assert [router.name for router in built] == ["knn", "random"]
    assert built[1].pair == ("a", "b")


def test_an_unknown_name_is_refused_with_the_near_ones():
    with pytest.raises(TargetError, match=r"'carot' is no router \(near: 'carrot'.*use some of routellm-mf"):
        routers_named(["carot"])


def test_kinds():
    assert [kind_of(name) for name in ("paretoroute", "oracle", "snell", "knn", "mine")] == [
        "default",
        "control",
        "published",
        "baseline",
        "custom",
    ]
