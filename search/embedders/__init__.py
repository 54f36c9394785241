"""Ways to make vectors of texts, and the choice of one. Nothing is ever downloaded."""
