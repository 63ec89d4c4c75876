"""From a picture of a look to people and garments: classical work on the white backdrop first, models where in doubt."""
