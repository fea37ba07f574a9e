"""转出地: what the transfer-out agency checks, decides and does."""
