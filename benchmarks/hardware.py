"""What a benchmark ran on."""

from gauger.lab.hardware import hardware

__all__ = ["hardware"]
