"""One spot, many markets: concept and culture briefs, a writer and four gates."""
