from .desk import desk
from .script import ada, play

__all__ = ["ada", "desk", "play"]
