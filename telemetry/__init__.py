"""What the server tells about itself while it works: log lines, figures, spans.

Nothing here holds what people wrote. Labels and attributes come from closed sets: a
route's template, a tool's name, a refusal's code.
"""
