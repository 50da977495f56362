"""Prints the prefix (the directory above include/ and lib/) of the installed oneDNN wheels."""

import importlib.metadata

HEADER = "include/oneapi/dnnl/dnnl.hpp"

for entry in importlib.metadata.files("onednn-devel-cpu-gomp") or []:
    if str(entry).replace("\\", "/").endswith(HEADER):
        print(str(entry.locate().resolve())[: -len(HEADER)])
        break
