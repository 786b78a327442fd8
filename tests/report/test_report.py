"""Properties that all pictures of a policy share."""

from paretoroute import report
from tests.report.documents import DOCUMENTS, MANY, PLAIN, printed


def test_the_interval_of_a_point_stands_beside_its_quality_in_all_pictures_and_not_where_it_is_unknown():
    assert "[0.559, 0.642]" in printed(PLAIN)
    assert "0.559 to 0.642" in report.to_html(PLAIN)
    assert "quality 0.600 [0.559, 0.642] at" in report.to_svg(PLAIN)
    for draw in (printed, report.to_html):
        assert draw(DOCUMENTS["odd"]).count("90% interval") == draw(PLAIN).count("90% interval") - 1


def test_the_same_document_gives_the_same_bytes():
    assert report.to_svg(MANY) == report.to_svg(MANY)
    assert report.to_html(MANY) == report.to_html(MANY)
