"""Tool calls of a coding session: the call, its result, and the result's twin."""

from __future__ import annotations

import random

from benchmarks.library import library_code, library_prose
from benchmarks.transcript_lines import Json, Lines

# Of calls whose result is a picture; of runs that print a great deal.
_PICTURES, _LONG_RUNS = 0.0002, 0.05


class ToolCalls:
    """Writes calls into a transcript; most are about the session's own few files."""

    def __init__(self, chance: random.Random, lines: Lines, *, project: str) -> None:
        self._chance, self._lines, self._project = chance, lines, project
        self._files = [chance.choice(library_code()) for _ in range(12)]

    def any(self) -> None:
        chance = self._chance
        if chance.random() < _PICTURES:
            self.picture()
            return
        kinds = [self.read, self.run, self.grep, self.edit, self.write, self.todo]
        (call,) = chance.choices(kinds, weights=[24, 30, 13, 21, 2, 10])
        call()

    def read(self) -> None:
        path, code = self._file()
        first, chunk = self._chunk(code, [20, 40, 80, 200, 600])
        body = "\n".join(f"{first + n:6d}→{line}" for n, line in enumerate(chunk))
        twin = {
            "filePath": path,
            "content": "\n".join(chunk),
            "numLines": len(chunk),
            "startLine": first,
            "totalLines": len(code),
        }
        given = {"file_path": path, "offset": first, "limit": len(chunk)}
        self._call("Read", given, body, {"type": "text", "file": twin})

    def run(self, hidden: str = "") -> None:
        chance = self._chance
        if not hidden and chance.random() < _LONG_RUNS:
            self.long_run()
            return
        path, code = self._file()
        shown = chance.random()
        if shown < 0.4:
            body = "\n".join(self._log(chance.choice([1, 3, 10, 30])))
        elif shown < 0.7:
            body = "\n".join(self._chunk(code, [3, 10, 40])[1])
        else:
            body = chance.choice(library_prose())
        self._bash(f"pytest -q {path}", f"{body}\n{hidden}" if hidden else body)

    def long_run(self, hidden: str = "", *, lines: int = 0) -> None:
        """A log, of 20 to 80 KB unless told; what is hidden stands in its middle."""
        body = self._log(lines or self._chance.choice([300, 600, 1000]))
        if hidden:
            body.insert(len(body) // 2, hidden)
        self._bash(f"make test PROJECT={self._project}", "\n".join(body))

    def grep(self) -> None:
        path, code = self._file()
        first, chunk = self._chunk(code, [3, 10, 30])
        body = "\n".join(f"{path}:{first + n}:{line}" for n, line in enumerate(chunk))
        given = {"pattern": (chunk[0].strip() or "def")[:40], "output_mode": "content"}
        twin = {"mode": "content", "numLines": len(chunk), "content": body}
        self._call("Grep", given, body, twin)

    def edit(self, hidden: str = "") -> None:
        path, code = self._file()
        first, chunk = self._chunk(code, [2, 4, 12])
        old = "\n".join(chunk)
        new = f"{old.replace('self', 'this')}\n{hidden}".rstrip()
        shown = "\n".join(f"{first + n:6d}→{line}" for n, line in enumerate(chunk))
        body = f"The file {path} has been updated. Around the change:\n{shown}"
        # The whole file, twice as long as everything else in the line.
        twin = {
            "filePath": path,
            "oldString": old,
            "newString": new,
            "originalFile": "\n".join(code[: self._chance.choice([80, 250, 500])]),
            "structuredPatch": [{"oldStart": first, "lines": [f"-{x}" for x in chunk]}],
            "userModified": False,
        }
        given = {"file_path": path, "old_string": old, "new_string": new}
        self._call("Edit", given, body, twin)

    def write(self) -> None:
        path, code = self._file()
        text = "\n".join(self._chunk(code, [40, 150])[1])
        twin = {"type": "create", "filePath": path, "content": text}
        given = {"file_path": path, "content": text}
        self._call("Write", given, f"File created successfully at: {path}", twin)

    def todo(self) -> None:
        tasks = [
            {"content": self._chance.choice(library_prose())[:60], "status": "pending"}
            for _ in range(self._chance.randint(2, 6))
        ]
        body = "Todos have been modified successfully."
        twin = {"oldTodos": tasks[1:], "newTodos": tasks}
        self._call("TodoWrite", {"todos": tasks}, body, twin)

    def picture(self) -> None:
        data = self._lines.noise(self._chance.randrange(20_000, 200_000))
        source = {"type": "base64", "media_type": "image/png", "data": data}
        twin = {"type": "image", "file": {"base64": data, "type": "image/png"}}
        given = {"file_path": f"/home/dev/{self._project}/shot.png"}
        self._call("Read", given, [{"type": "image", "source": source}], twin)

    def _bash(self, command: str, body: str) -> None:
        given = {"command": command, "description": "Run it and look at what it says"}
        twin = {"stdout": body, "stderr": "", "interrupted": False, "isImage": False}
        self._call("Bash", given, body, twin)

    def _call(self, name: str, given: Json, body: object, twin: Json) -> None:
        call = f"toolu_{self._chance.getrandbits(96):024x}"
        use: Json = {"type": "tool_use", "id": call, "name": name, "input": given}
        self._lines.assistant([use], stop="tool_use")
        result = {"tool_use_id": call, "type": "tool_result", "content": body}
        self._lines.user([result], toolUseResult=twin)

    def _log(self, lines: int) -> list[str]:
        """Lines with times and now and then an id that never comes again."""
        chance, prose = self._chance, library_prose()
        hour, minute, said = chance.randrange(24), chance.randrange(60), ""
        found = []
        for number in range(lines):
            if number % 4 == 0:
                said = chance.choice(prose)[:70]
            mark = f" request={chance.getrandbits(48):012x}" if number % 8 == 0 else ""
            found.append(
                f"{hour:02d}:{minute:02d}:{number % 60:02d} INFO{mark} {said} "
                f"took {chance.randrange(99)} ms"
            )
        return found

    def _file(self) -> tuple[str, list[str]]:
        chance = self._chance
        own = chance.random() < 0.7
        path, code = chance.choice(self._files if own else library_code())
        return f"/home/dev/{self._project}/{path}", code

    def _chunk(self, code: list[str], lengths: list[int]) -> tuple[int, list[str]]:
        first = self._chance.randrange(max(1, len(code) - 20))
        return first, code[first : first + self._chance.choice(lengths)]
