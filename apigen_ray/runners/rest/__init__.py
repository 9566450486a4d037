"""How a call is made over HTTP: guarded, limited, bounded."""
