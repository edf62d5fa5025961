"""Verne: a service management system for ISO/IEC 20000-1 that proves itself."""

__version__ = "0.1.0"
