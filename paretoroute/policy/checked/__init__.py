"""Classes whose fields are checked strictly by their annotations, and their JSON Schema; knows nothing of policies."""
