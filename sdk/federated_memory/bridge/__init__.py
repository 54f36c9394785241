"""`memory-mcp`: the hosted MCP endpoint for clients that only start programs."""

import federated_memory

NAME, VERSION = "memorynode-mcp", federated_memory.__version__
# All that it offers unless it is told otherwise.
TOOLS = ("recall", "context", "memory", "whoAmI")
