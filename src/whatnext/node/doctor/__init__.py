"""Why a peer is not found: probes look (profile, network, node), a pure part turns what they saw into verdicts."""
