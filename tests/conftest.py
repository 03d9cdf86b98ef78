"""Where tools must be present (CI), a test skipped for want of one fails instead."""

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure where RECURSIONLAB_REQUIRE_TOOLS is set."""
    report = yield
    if (
        report.skipped
        and os.environ.get("RECURSIONLAB_REQUIRE_TOOLS")
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped although all tools must be present: {report.longrepr}"
    return report
