"""Prediction: an exported student over any number of images, and how right it is.

What an export says of itself is opened as a `model`, images are gathered (`inputs`, `tables`),
decoded while the model runs (`pipeline`), written (`output`) and counted (`evaluation`).
"""
