"""What the official conformance suite asks a server for, on the production core.

Its tools, resources and prompts are the suite's and mean nothing; they show that the
core and the HTTP adapter keep to the protocol. Nothing here is imported by the server:
`manage.py conformance_server` runs it, on the loopback and a database of its own.
"""
