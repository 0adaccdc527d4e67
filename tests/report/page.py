"""Read a page with the standard library's parser: what a browser would load, where links go, what tables say."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}


class Page(HTMLParser):
    """Collect the elements of a page; `errors` holds what is not closed or closed in the wrong order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.errors, self.ids, self.links, self.loads, self.tags, self.rows, self.headings = [], [], [], [], [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()
        self.errors += [f"<{tag}> never closed" for tag in self.stack]

    def handle_starttag(self, tag, attrs):
        self._note(tag, dict(attrs))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1] != tag:
            self.errors.append(f"</{tag}> closes {self.stack[-1:]} at {self.getpos()}")
        else:
            self.stack.pop()

    def handle_data(self, data):
        if "style" in self.stack:
            return
        self.text += data
        if "h2" in self.stack:
            self.headings.append(data)
        if "td" in self.stack or "th" in self.stack:
            self.rows[-1][-1] += data

    def _note(self, tag, attributes):
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name, value in attributes.items():
            if name in ("href", "xlink:href"):
                self.links.append(value)
            if name in ("src", "srcset", "data", "poster", "action", "formaction", "background") or name.startswith("on"):
                self.loads.append((tag, name, value))
