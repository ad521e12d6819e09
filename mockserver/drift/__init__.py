"""What has changed in a vendor's contract since it was read: which parts, where, and whether callers break."""
