"""The checks that run before a decision, and again inside it: registered functions over the published marts and the store.

`run_checks` runs what the policy requires. It fails closed: a check that is unknown, raises, or lacks its data is an `error`, and
anything but `pass` refuses the approval.
"""

from apps.approvals.checks import books, client, erasure, instruments, money, partners, rules
from apps.approvals.checks.registry import CheckResult, Context, Finding, check, refused, registered, run_checks

__all__ = ["CheckResult", "Context", "Finding", "check", "refused", "registered", "run_checks"]

MODULES = (books, client, erasure, instruments, money, partners, rules)
"""Importing a module registers its checks."""
