"""Evidence packs: an answer that a regulator verifies without us."""

from apps.evidence.pack import Pack, evidence_pack

__all__ = ["Pack", "evidence_pack"]
