"""What listens: webhooks as hints, health, metrics. Nothing here reads a ticket or writes anything."""
