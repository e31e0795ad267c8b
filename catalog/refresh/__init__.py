"""Renewal of the tables from AWS and from price lists."""
