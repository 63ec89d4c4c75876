"""Markets, audiences, brands and spots: import, export and the insights composed from them."""
