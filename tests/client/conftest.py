from .script import ada, play

__all__ = ["ada", "play"]
