"""转入地: what the transfer-in agency checks, decides and does."""
