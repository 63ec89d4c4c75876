"""The daily fashion looks: dealt, written, rendered, segmented, graded, and learned from."""
