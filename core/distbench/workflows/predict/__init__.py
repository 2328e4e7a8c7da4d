"""Prediction: an exported student over any number of images, and how right it is.

An export is opened (`distbench.workflows.export.opened`), images are gathered (`inputs`, `tables`),
decoded and shown to it by several threads (`pipeline`), the answers written (`output`) and counted
(`evaluation`).
"""
