"""Print the evaluation set as one JSON document, for any other program to read.

A list of conversations with `id`, `messages` and `questions`. `python -m evaluation`.
"""

import json
import sys
from typing import Any

from evaluation.conversations import Conversation, Message, Question, conversations


def as_json(conversation: Conversation) -> dict[str, Any]:
    """The conversation in plain values, with gold in alphabetical order."""
    return {
        "id": conversation.id,
        "messages": [_message(message) for message in conversation.messages],
        "questions": [_question(question) for question in conversation.questions],
    }


def _message(message: Message) -> dict[str, str]:
    return {
        "id": message.id,
        "session": message.session,
        "role": message.role,
        "text": message.text,
        "when": message.when,
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind,
        "gold": sorted(question.gold),
        "gold_sessions": sorted(question.gold_sessions),
        "when": question.when,
        "answer": question.answer,
    }


if __name__ == "__main__":
    json.dump(
        [as_json(conversation) for conversation in conversations()],
        sys.stdout,
        ensure_ascii=False,
        indent=1,
    )
