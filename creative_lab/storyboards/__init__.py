"""Stories and scripts as pictures: scenes, prompts, candidates, scores, frames, and the sheets made of them."""
