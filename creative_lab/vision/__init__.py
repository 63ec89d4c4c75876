"""Measuring pictures: captions, embeddings, scores, faces and garments, by models or by exact rules."""
