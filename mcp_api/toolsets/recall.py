"""Tools that recall: from memories, documents and transcripts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_server import MCPToolset

from access.requirements import Requirement
from mcp_api import calls, deprecation, memory_shapes, presenting
from mcp_api.arguments import (
    BudgetChars,
    BudgetTokens,
    ContainerTag,
    Emphasis,
    IncludeProfile,
    Kinds,
    MaxChars,
    Mode,
    Query,
    Score,
    TopK,
)
from mcp_api.registry import Result, memory_tool
from mcp_api.scope import reading
from recall import packing, profiles, recalling
from recall.recalling import Wanted

# Clients that load tools only when they look for them have these two at once.
ALWAYS_LOADED = {"anthropic/alwaysLoad": True}


class RecallTools(MCPToolset):
    @memory_tool(
        title="Recall",
        requirement=Requirement(),
        result=memory_shapes.Recalled,
        reads_only=True,
        meta=ALWAYS_LOADED,
    )
    def recall(
        self,
        query: Query,
        include_profile: IncludeProfile = True,
        container_tag: ContainerTag = None,
        top_k: TopK = 5,
        kinds: Kinds | None = None,
        mode: Mode = "hybrid",
        min_score: Score = 0.0,
        explain: bool = False,
        max_chars: MaxChars = 20_000,
    ) -> Result:
        """WHAT: Ask everything remembered at once: memories, documents, past sessions.
        WHEN: Before you solve something again or ask the person what they said before.
        INSTEAD: context for one ready-to-use text; search_sessions or search_knowledge
        to filter by machine, time, role or path.
        RETURNS: Hits, best first, with score 0 to 1, date and citation; the profile;
        status low_confidence when nothing fits well.
        """
        return _recalled(
            query,
            container_tag=container_tag,
            include_profile=include_profile,
            top_k=top_k,
            kinds=kinds,
            mode=mode,
            min_score=min_score,
            explain=explain,
            max_chars=max_chars,
        )

    @memory_tool(
        title="Search",
        requirement=Requirement(),
        result=memory_shapes.Recalled,
        reads_only=True,
        listed_from="full",
    )
    def search(
        self,
        query: Query,
        include_profile: IncludeProfile = True,
        container_tag: ContainerTag = None,
        top_k: TopK = 5,
        kinds: Kinds | None = None,
        mode: Mode = "hybrid",
        min_score: Score = 0.0,
        explain: bool = False,
        max_chars: MaxChars = 20_000,
    ) -> Result:
        """WHAT: The same as recall, under its canonical name.
        WHEN: Before you solve something again or ask the person what they said before.
        INSTEAD: context_pack for one ready-to-use text; memory_list to page through
        memories without a question.
        RETURNS: Hits, best first, with score 0 to 1, date and citation; the profile.
        """
        return _recalled(
            query,
            container_tag=container_tag,
            include_profile=include_profile,
            top_k=top_k,
            kinds=kinds,
            mode=mode,
            min_score=min_score,
            explain=explain,
            max_chars=max_chars,
        )

    @memory_tool(
        title="Search memories (old name)",
        requirement=Requirement(),
        result=memory_shapes.RecalledByOldName,
        reads_only=True,
        listed_from="all",
    )
    def memory_search(
        self,
        query: Query,
        container_tag: ContainerTag = None,
        limit: TopK = 5,
        top_k: TopK | None = None,
        max_chars: MaxChars = 20_000,
    ) -> Result:
        """WHAT: Old name of search: hits alone, without the profile.
        WHEN: Only in clients that know no other name.
        INSTEAD: search or recall.
        RETURNS: Ranked hits with scores, and what to call instead.
        """
        return deprecation.alias(
            "memory_search",
            canonical="search",
            alias_for="recall",
            answer=lambda: _recalled(
                query,
                container_tag=container_tag,
                include_profile=False,
                top_k=top_k or limit,
                max_chars=max_chars,
            ),
        )

    @memory_tool(
        # Every toolset has an attribute of that name, which hides the method.
        name="context",
        title="Context",
        requirement=Requirement(),
        result=memory_shapes.Context,
        reads_only=True,
        meta=ALWAYS_LOADED,
    )
    def context_of(
        self,
        query: Query,
        container_tag: ContainerTag = None,
        profile: Emphasis = "balanced",
        top_k: TopK = 5,
        kinds: Kinds | None = None,
        budget_chars: BudgetChars = 2500,
        budget_tokens: BudgetTokens | None = None,
        explain: bool = False,
    ) -> Result:
        """WHAT: One text about a task that never exceeds its budget: what is known of
        the project, what was said and written before, guidance.
        WHEN: At the start of a task, with the task in a sentence as the query.
        INSTEAD: recall for single hits; read_session or read_knowledge to read around
        a citation.
        RETURNS: The text, dated and numbered with citations, what was left out, and
        how strong the evidence is.
        """
        return _context(
            query,
            container_tag=container_tag,
            profile=profile,
            top_k=top_k,
            kinds=kinds,
            budget_chars=budget_chars,
            budget_tokens=budget_tokens,
            explain=explain,
        )

    @memory_tool(
        title="Context pack",
        requirement=Requirement(),
        result=memory_shapes.Context,
        reads_only=True,
        listed_from="full",
    )
    def context_pack(
        self,
        query: Query,
        container_tag: ContainerTag = None,
        profile: Emphasis = "balanced",
        top_k: TopK = 5,
        kinds: Kinds | None = None,
        budget_chars: BudgetChars = 2500,
        budget_tokens: BudgetTokens | None = None,
        explain: bool = False,
    ) -> Result:
        """WHAT: The same as context, under its canonical name.
        WHEN: At the start of a task, with the task in a sentence as the query.
        INSTEAD: search for single hits.
        RETURNS: The text, dated and numbered with citations, what was left out, and
        how strong the evidence is.
        """
        return _context(
            query,
            container_tag=container_tag,
            profile=profile,
            top_k=top_k,
            kinds=kinds,
            budget_chars=budget_chars,
            budget_tokens=budget_tokens,
            explain=explain,
        )

    @memory_tool(
        title="Memory context (old name)",
        requirement=Requirement(),
        result=memory_shapes.ContextByOldName,
        reads_only=True,
        listed_from="all",
    )
    def memory_context(
        self,
        query: Query,
        container_tag: ContainerTag = None,
        profile: Emphasis = "balanced",
        top_k: TopK = 5,
        limit: TopK | None = None,
        kinds: Kinds | None = None,
        budget_chars: BudgetChars = 2500,
        budget_tokens: BudgetTokens | None = None,
        explain: bool = False,
    ) -> Result:
        """WHAT: Old name of context_pack.
        WHEN: Only in clients that know no other name.
        INSTEAD: context_pack or context.
        RETURNS: What context_pack returns, and what to call instead.
        """
        return deprecation.alias(
            "memory_context",
            canonical="context_pack",
            alias_for="context",
            answer=lambda: _context(
                query,
                container_tag=container_tag,
                profile=profile,
                top_k=limit or top_k,
                kinds=kinds,
                budget_chars=budget_chars,
                budget_tokens=budget_tokens,
                explain=explain,
            ),
        )


def _recalled(
    query: str,
    *,
    container_tag: str | None,
    include_profile: bool,
    top_k: int,
    max_chars: int,
    kinds: Sequence[str] | None = None,
    **wanted: Any,
) -> Result:
    call, scope = calls.current(), reading(container_tag)
    recalled = recalling.recall(
        scope,
        Wanted(text=query, limit=top_k, kinds=kinds or recalling.KINDS, **wanted),
        payer=call.principal,
        at=call.at,
    )
    known = None
    if include_profile:
        memories = [hit.memory for hit in recalled.hits if hit.memory]
        known = profiles.profile(scope, also=memories, at=call.at)
    return presenting.recalled(
        recalled, scope=scope, profile=known, max_chars=max_chars
    )


def _context(
    query: str,
    *,
    container_tag: str | None,
    top_k: int,
    kinds: Sequence[str] | None,
    **wanted: Any,
) -> Result:
    call, scope = calls.current(), reading(container_tag)
    pack = packing.context(
        scope,
        query,
        limit=top_k,
        kinds=kinds or recalling.KINDS,
        payer=call.principal,
        at=call.at,
        **wanted,
    )
    return presenting.context(pack, scope=scope)
