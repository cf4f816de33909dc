"""Training: recipes, data, losses, the loop, and export to the zoo. Needs the ``train`` extra."""
