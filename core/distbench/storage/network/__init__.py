"""What comes over the network, and what keeps it shut."""
