"""Options that several commands share."""

from paretoroute import limits
from paretoroute.cli.arguments.options import LIMIT_FORMS


def test_the_help_lists_every_form_of_a_limit():
    assert tuple(kind.FORM for kind in limits._KINDS) == LIMIT_FORMS
