"""The footer of a Parquet file, against pyarrow's reading of it, and damaged."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretoroute.runs.formats.parquet_footer import Chunk, chunks_of
from tests.fuzz.damaged_tables import nested_table, plain_table, without_views


def footer_of(table, **options):
    sink = io.BytesIO()
    pq.write_table(without_views(table), sink, **options)
    data = sink.getvalue()
    return data[-8 - int.from_bytes(data[-8:-4], "little") : -8], pq.read_metadata(io.BytesIO(data))


@pytest.mark.parametrize("make", [plain_table, nested_table])
@pytest.mark.parametrize("rows", [7, 1000])
def test_the_values_of_every_chunk_are_those_that_pyarrow_reads(make, rows):
    footer, meta = footer_of(make(), row_group_size=rows)

    chunks = [meta.row_group(i).column(j) for i in range(meta.num_row_groups) for j in range(meta.num_columns)]
    assert chunks_of(footer) == [
        Chunk(chunk.path_in_schema, chunk.num_values, chunk.total_uncompressed_size, chunk.total_compressed_size)
        for chunk in chunks
    ]


def test_a_list_counts_each_of_its_values():
    footer, _ = footer_of(pa.table({"embedding": [[1.0] * 300, [2.0]]}))

    assert [chunk[:2] for chunk in chunks_of(footer)] == [("embedding.list.element", 301)]


def test_a_footer_cut_anywhere_is_damaged():
    footer, _ = footer_of(nested_table())

    for end in range(len(footer)):
        with pytest.raises(ValueError, match="the metadata at the end is damaged"):
            chunks_of(footer[:end])
