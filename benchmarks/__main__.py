"""Every benchmark, one after the other: `make bench`."""

import runpy

for name in (
    "kernel",
    "million",
    "growth",
    "profile_scale",
    "detection",
    "pruning",
    "validity",
    "ablation",
    "ordinary",
    "windows",
    "parsing",
    "radioactivity",
    "provenance",
    "canaries",
):
    print(f"== {name}")
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
