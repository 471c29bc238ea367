"""Layer 0: the words of the field as types. Standard library only; see DESIGN section 2."""
