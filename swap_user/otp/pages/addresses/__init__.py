"""The pages on which an address is confirmed by a code: a change, its undoing, and a sign-up."""
