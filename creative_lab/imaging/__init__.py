"""Drawing pictures: the model catalogue, diffusion pipelines, LoRAs, generation and the recipe in every file."""
