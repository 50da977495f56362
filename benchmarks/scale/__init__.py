"""How training scales: docs/scaling.md has the figures and the commands that made them."""
