"""From grades to the next day's looks: reading what the lake and people know, and writing what was learned."""
