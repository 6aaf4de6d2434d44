"""Style transfer by a net in one pass: any painting, 26 styles, or a learned one."""
