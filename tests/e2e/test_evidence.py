"""The evidence of a sweep, judged from outside: latest.json by its schema, latest.html and a scan's page by a browser."""

import copy
import functools
import html
import html.parser
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).parents[2]
SAMPLES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "tmp/evidence"
SCHEMA = json.loads((ROOT / "src/domain/sweep/evidence/evidence.schema.json").read_text())
NAMES = ["nothing", "everything", "hostile", "wide", "usual"]
# A scan writes no document.
SCANS = ["scan", "scan-hostile"]
CHROMIUM = shutil.which("chromium")
WIDTHS = [320, 360, 768, 1100, 1280, 1920]


@pytest.fixture(scope="module", autouse=True)
def samples():
    """Renders them afresh."""
    subprocess.run(["cargo", "test", "--quiet", "--locked", "--features", "cli", "--test", "it", "--", "evidence::samples"], cwd=ROOT,
                   check=True, stdout=subprocess.DEVNULL)


def closed(schema):
    """The schema without room for members that it does not name: a reader has it, what we write has not."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(one) for name, one in schema.items()}
    return {**schema, "additionalProperties": False} if schema.get("type") == "object" else schema


@pytest.mark.parametrize("name", NAMES)
def test_the_document_keeps_the_published_schema_to_the_letter(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads((SAMPLES / f"{name}.json").read_text())
    validator = jsonschema.Draft202012Validator(closed(copy.deepcopy(SCHEMA)), format_checker=jsonschema.FormatChecker())
    validator.validate(document)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate({**document, "memberOfTheFuture": 1})
    assert not validator.is_valid({**document, "schemaVersion": 2})


def test_the_schema_knows_every_outcome_and_reason():
    source = (ROOT / "src/domain/outcome.rs").read_text()
    names = set(re.findall(r'Self::\w+ => "(\w+)"', source)) - {"sent", "already_sent", "none"}
    family = SCHEMA["properties"]["families"]["items"]["properties"]
    assert names == (set(family["outcome"]["enum"]) | set(family["reason"]["enum"])) - {None}


class Outside(html.parser.HTMLParser):
    """What a page would run, load or link to."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.ids = set(), [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("src", "srcset", "style", "action"), (tag, name)
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href"):
                self.links.append((tag, value))


@pytest.mark.parametrize("name", NAMES + SCANS)
def test_the_page_is_one_file_without_script(name):
    text = (SAMPLES / f"{name}.html").read_text()
    page = Outside()
    page.feed(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"}
    assert page.links and all(tag == "a" and link.startswith("https://docs.aws.amazon.com/") for tag, link in page.links)
    assert len(page.ids) == len(set(page.ids))
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert set(re.findall(r"url\((.)", style)) == {"#"} and "@import" not in style


def test_each_column_has_its_label_on_a_phone():
    """The labels of the cards are in the style: they are the heads of the columns, in their order."""
    text = (SAMPLES / "everything.html").read_text()
    for table, head in re.findall(r'<table class="(?:runs )?(\w+)">\n<thead>(.*?)</thead>', text):
        table = "runs" if table in ("services", "tasks") else table
        columns = re.findall(r'<th scope="col">(.*?)</th>', head)
        labels = dict(re.findall(rf'\.{table} td:nth-child\((\d)\)::before {{ content: "(.*?)"; }}', text))
        assert all(columns[int(number) - 1] == label for number, label in labels.items()), table
        assert len(labels) >= len(columns) - (2 if table == "families" else 1), "the state speaks for itself"


# Measures each width in a frame of its own: a window cannot be as narrow as a phone. The frame's page runs no script;
# this one reads what the browser made of it.
HARNESS = """<!doctype html><meta charset="utf-8"><body><script>
const contrast = (a, b) => {
  const part = c => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number); return .2126 * part(r) + .7152 * part(g) + .0722 * part(b); };
  const [x, y] = [light(a), light(b)].sort((x, y) => y - x); return (x + .05) / (y + .05); };
const ground = (element, view) => { for (; element; element = element.parentElement) {
  const colour = view.getComputedStyle(element).backgroundColor; if (!/, 0\\)$/.test(colour)) return colour; } return "rgb(255, 255, 255)"; };
const measure = width => new Promise(done => {
  const frame = document.createElement("iframe"); frame.style.cssText = `border:0;width:${width}px;height:900px`;
  frame.onload = () => { const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
    const texts = [...page.querySelectorAll("body *")].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()));
    const wide = texts.filter(e => { const box = e.getBoundingClientRect(); return box.width && !e.closest("thead") && (box.right > width + 1 || box.left < -1); });
    const pale = texts.filter(e => { const style = view.getComputedStyle(e);
      return contrast(e.closest("svg") ? style.fill : style.color, ground(e, view)) < 4.5; });
    done({ width, shown: view.innerWidth, scroll: root.scrollWidth, client: root.clientWidth, texts: texts.length,
      wide: wide.slice(0, 3).map(e => e.outerHTML.slice(0, 200)), pale: pale.slice(0, 3).map(e => e.outerHTML.slice(0, 200)),
      dark: view.matchMedia("(prefers-color-scheme: dark)").matches, scripts: page.scripts.length,
      requests: view.performance.getEntriesByType("resource").map(e => e.name) }); frame.remove(); };
  frame.src = "PAGE"; document.body.append(frame); });
(async () => { const seen = []; for (const width of WIDTHS) seen.push(await measure(width));
  document.body.textContent = JSON.stringify(seen); document.title = "done"; })();
</script>"""


class Site(http.server.SimpleHTTPRequestHandler):
    """The samples and the harness. It remembers what was asked for."""

    asked = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        if self.path.startswith("/harness-"):
            page = self.path.removeprefix("/harness-")
            body = HARNESS.replace("PAGE", f"/{page}").replace("WIDTHS", str(WIDTHS)).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()


@pytest.fixture(scope="module")
def site():
    handler = functools.partial(Site, directory=SAMPLES)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def chromium(tmp_path, *arguments):
    ran = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                          "--disable-component-update", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                          f"--user-data-dir={tmp_path}", *arguments], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def measure(site, tmp_path, name, scheme="light"):
    printed = chromium(tmp_path, f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
                       "--virtual-time-budget=20000", "--dump-dom", f"http://{site}/harness-{name}.html")
    return json.loads(html.unescape(re.search(r"<body>(\[.*\])</body>", printed, re.S).group(1)))


needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no browser looked at the page: chromium is missing "
                                                         "(apt-get install chromium)")


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["nothing", "everything", "hostile", "wide", *SCANS])
def test_in_a_browser_nothing_overflows_or_is_pale_and_no_request_leaves_the_page(site, tmp_path, name, scheme):
    Site.asked.clear()
    measured = measure(site, tmp_path, name, scheme)
    assert [one["width"] for one in measured] == WIDTHS
    for one in measured:
        assert one["shown"] == one["width"] and one["texts"] > 50 and one["dark"] == (scheme == "dark")
        assert one["scroll"] <= one["client"] and one["wide"] == [], one
        assert one["pale"] == [], one
        assert one["scripts"] == 0 and one["requests"] == [], one
    assert set(Site.asked) <= {f"/harness-{name}.html", f"/{name}.html", "/favicon.ico"}


@needs_chromium
def test_a_page_that_is_too_wide_too_pale_or_asks_outside_would_be_noticed(site, tmp_path):
    page = (SAMPLES / "everything.html").read_text()
    page = page.replace("default-src 'none'; ", "").replace("</main>", """</main>
        <p style="width:2000px">wide</p><p style="color:#ccc;background:#fff">pale</p><img src="http://outside.example/x.png">""")
    (SAMPLES / "bad.html").write_text(page)
    for one in measure(site, tmp_path, "bad"):
        assert one["scroll"] > one["client"] and len(one["wide"]) == 1 and len(one["pale"]) == 1, one
        assert one["requests"] == ["http://outside.example/x.png"]


@needs_chromium
def test_the_page_prints(tmp_path):
    pdf = tmp_path / "page.pdf"
    chromium(tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", (SAMPLES / "everything.html").as_uri())
    pages = pdf.read_bytes().count(b"/Type /Page\n") or len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert 2 <= pages <= 8, pages
