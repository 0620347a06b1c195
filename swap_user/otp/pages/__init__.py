"""The pages: log in, and manage sign-in methods. They do not depend on the admin."""
