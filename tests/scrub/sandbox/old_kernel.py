"""Loaded into the warm parent by a test: a kernel that offers neither Landlock nor seccomp."""

from __future__ import annotations

from fieldreport.scrub.sandbox import lockdown

lockdown._landlock_abi = lambda: 0
lockdown._seccomp_available = lambda: False
