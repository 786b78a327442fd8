"""The places of names."""

from itertools import combinations

from paretoroute.report.picture.label_placement import Box, Spot, Wanted, place


def test_labels_of_crowded_dots_cover_neither_each_other_nor_a_dot():
    dots = [Spot(400 + 12 * (i % 3), 200 + 9 * (i // 3)) for i in range(9)]
    boxes = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in dots]

    labels = place([Wanted(dot, 4, 90, 16) for dot in dots], Box(0, 0, 900, 440), hard=boxes, soft=[])

    starts = [label.start for label in labels]
    written = [Box(x, y - 8, x + 90, y + 8) for x, y in starts]
    for one, other in [*combinations(written, 2), *((a, b) for a in written for b in boxes)]:
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
