"""What both simulated helpdesks stand on: clock, HTTP, faults, limits, roster and ground truth.

Nothing here knows a vendor. A vendor package offers ``build(world, roster) -> Site`` and
stands on ``World`` for everything that is shared.
"""
