"""Signatures on policies, which a planner can require: who may change what is called, and what it costs.

``sign`` writes the signatures (Ed25519, RFC 8032) of a policy beside it, as ``POLICY.yaml.sig``, so that the reviewed
YAML keeps its bytes. The YAML names its side file by SHA-256: whoever signs the one signs both.

Only ``keys`` loads ``cryptography`` (extra ``signatures``), and only to sign or to verify. ``policy.files`` knows
nothing of signatures: it hands the bytes that it read to ``verify`` before it parses them.
"""
