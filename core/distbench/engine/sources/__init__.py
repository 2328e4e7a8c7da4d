"""Sources at work: embeddings and layers that are kept, and passes while a student is trained."""
