"""What the lines of a transcript say, whichever client wrote them.

Every line is recognised by itself (Claude Code, Codex old and new, or the plain shape),
so that a file may be read from any line on; the little that a line means only beside
its neighbours is kept in `state.State`. Nothing here raises on bad input: lines that
are not understood are reported as unknown.
"""
