"""Parts of the admin site: the link in its header, and the required enrollment of staff."""
