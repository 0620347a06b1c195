"""The pages on which users log in and manage sign-in methods. They do not need the admin."""
