"""The engine: one pass over one site (``reconcile``, ``apply``, ``recover``) and the daemon around it."""
