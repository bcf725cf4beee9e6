"""What gunicorn runs: the stand-alone site. A host site has its own app here and adds `Chat(app)`."""

from legacy_chat import create_app

app = create_app()
