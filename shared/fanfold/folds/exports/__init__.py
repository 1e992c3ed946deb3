"""Results into files: each record's result once, in record order, in constant memory.

    results ─format─▶ chunks of bytes ─(gzip)─▶ one file, written whole or not at all
                                             └▶ part-00000.jsonl, part-00001.jsonl, …, manifest.json

| file        | what                                                                    |
|-------------|-------------------------------------------------------------------------|
| format.py   | a result as a line of JSON Lines; which format a name asks for          |
| table.py    | a result as a row of CSV                                                |
| parquet.py  | results as row groups of Parquet                                        |
| cells.py    | any text as a cell of CSV, and back                                     |
| chunks.py   | many results as chunks of bytes, compressed or not                      |
| folder.py   | a folder that files are written into, whole or not at all; on this disk |
| urls.py     | the same, wherever fsspec reaches                                       |
| shards.py   | many files and their manifest                                           |
| read.py     | a CSV export, read back exactly                                         |
"""
