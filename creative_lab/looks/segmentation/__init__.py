"""From a picture of a look to people and garments: classical work on the white backdrop, models where in doubt."""
