"""What a demo has in place of the world: the DNS in which its visitors publish their proofs."""
