"""One character: captions, training set, LoRA weights and the choice of the best checkpoint."""
