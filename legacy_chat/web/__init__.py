"""What is asked over HTTP: the home of Flask and Flask-Login beside the extension, the site and the commands."""
