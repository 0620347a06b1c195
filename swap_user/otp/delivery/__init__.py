"""Delivery of codes and notices to users."""
