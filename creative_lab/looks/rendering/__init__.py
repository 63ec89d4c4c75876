"""Pictures of looks: drawn by the world, by diffusion models here, or by hosted models, one row per rendering."""
