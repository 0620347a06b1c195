"""Parts of the admin site: the link in its header, and the enrollment that staff may need."""
