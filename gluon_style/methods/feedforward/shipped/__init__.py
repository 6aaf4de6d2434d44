"""The weights of the nets of one pass; NOTICE says where they come from."""
