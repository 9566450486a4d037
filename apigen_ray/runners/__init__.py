"""How a call is really executed."""
