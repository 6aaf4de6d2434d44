"""The weights of the decoder; NOTICE says where they come from."""
