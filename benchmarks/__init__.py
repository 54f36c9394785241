"""Ratios against what one would otherwise do, measured in one run on one machine.

Absolute times drift from day to day; docs/benchmarks.md says how to read the ratios.
"""
