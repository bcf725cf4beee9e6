"""What is kept: the only home of SQLAlchemy. Takes and gives core values; knows no loop, no socket, no Flask."""
