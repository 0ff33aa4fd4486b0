"""Moving dates."""
