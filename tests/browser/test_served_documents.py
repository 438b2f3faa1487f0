"""The interfaces' documents against what they describe: OpenAPI, AsyncAPI, and the Postman collection."""

import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from playwright.async_api import expect
from rich.console import Console

from deploy import dashboard
from deploy.stack.home import CHECKOUT
from deploy.stack.report import Report
from deploy.web.asyncapi import document
from tests.browser.conftest import Open, Shown

POSTMAN = CHECKOUT / "deploy" / "WaveCom-Notifications.postman_collection.json"
SCHEMATHESIS = CHECKOUT / "tests" / "browser" / "schemathesis.toml"


@pytest.fixture(scope="session")
def modules() -> Path:
    """Where npm puts what tests use."""
    return dashboard.installed(Report(Console(stderr=True)), dashboard.CHECKED).parent


def run(*command: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def test_schemathesis_finds_nothing_that_openapi_does_not_say(shown: Shown) -> None:
    """Requests right and wrong, made from the document: what comes back is what it promises."""
    run(
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={SCHEMATHESIS}",
        "run",
        f"{shown.url}/openapi.json",
        "--phases=examples,fuzzing",
        "--max-examples=15",
        "--seed=1",
        "--no-color",
        "--suppress-health-check=all",
    )


def test_newman_runs_the_postman_collection(shown: Shown, modules: Path) -> None:
    newman = str(modules / ".bin" / "newman")
    run(newman, "run", str(POSTMAN), "--env-var", f"baseUrl={shown.url}", "--color", "off")


@pytest.mark.integration
def test_the_asyncapi_document_is_one(modules: Path) -> None:
    schema = orjson.loads((modules / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json").read_bytes())
    faults = [f"{fault.instance_path}: {fault.message}" for fault in jsonschema_rs.iter_errors(schema, document())]
    assert faults == []


async def test_both_documents_can_be_browsed(open_page: Open, shown: Shown) -> None:
    page = await open_page("/docs")
    await expect(page.get_by_text("Send a notification")).to_be_visible()
    await page.get_by_role("radio", name="Messages").click()
    topic = page.get_by_role("region", name="notification-events")
    await topic.get_by_text("retry-scheduled", exact=True).click()
    await expect(topic.get_by_text("tidings.notification.retry-scheduled.v1")).to_be_visible()
    served = await page.request.get(f"{shown.url}/asyncapi.json")
    assert await served.json() == orjson.loads(orjson.dumps(document()))
