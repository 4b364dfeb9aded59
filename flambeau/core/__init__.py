"""What a tensor is: attributes, state, history, and how a call of an operator is carried out."""
