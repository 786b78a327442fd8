"""Encoders: from texts to vectors, the second view of a query beside the n-grams of its text.

May import errors alone; packages of the extra ``embeddings`` are loaded when an encoder is made, never by planning.
"""
