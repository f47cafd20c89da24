"""A round of Flower in which nothing is trained."""
