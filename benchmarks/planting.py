"""What a corpus hides: in each transcript answers that stand nowhere else in it."""

from __future__ import annotations

import random
from dataclasses import dataclass

SERVICES = ["redis", "postgres", "nginx", "kafka", "rabbitmq", "grafana", "vault"]
PLACES = ["staging", "production", "the demo cluster", "the Frankfurt region"]
CAUSES = ["the certificate expired", "the disk filled up", "a migration took a lock"]
NAMES = ["amber", "basalt", "cobalt", "ember", "fjord", "garnet", "juniper", "onyx"]


@dataclass(frozen=True)
class Planted:
    """What one transcript holds and no other does."""

    number: int
    identifier: str
    phrase: str
    fact: str
    question: str
    answer: str
    error: str
    error_pattern: str


def planted(number: int, seed: int) -> Planted:
    """What transcript `number` of a corpus hides."""
    chance = random.Random(f"{seed}:planted:{number}")
    service, place = chance.choice(SERVICES), chance.choice(PLACES)
    cause, port = chance.choice(CAUSES), chance.randrange(20_000, 60_000)
    tag = f"{chance.choice(NAMES)}-{chance.choice(NAMES)}-{number}"
    return Planted(
        number=number,
        identifier=f"resolve_ledger_{chance.getrandbits(40):010x}",
        phrase=f"the {chance.choice(NAMES)} orchard closes before gate {number}",
        fact=(
            f"Decision for project {tag}: after {cause}, we moved {service} in {place} "
            f"to port {port} and keep the old listener for two weeks."
        ),
        question=(
            f"Which port did we move {service} to in {place} for project {tag} "
            f"once {cause}?"
        ),
        answer=f"port {port}",
        error=f"ERR-{chance.randrange(1000, 9999)}-{chance.choice('XYZ')}K{number:05d}",
        error_pattern=rf"ERR-[0-9]{{4}}-[XYZ]K{number:05d}",
    )
