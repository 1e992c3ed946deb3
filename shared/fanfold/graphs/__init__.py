"""Flows as graphs: building, checking, drawing and running them."""
