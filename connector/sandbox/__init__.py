"""Two simulated helpdesk sites over real HTTP: owner of the clock, with people, rival bots and faults.

Serve it with ``python -m connector.sandbox``; from a program, ``client.SandboxProcess`` starts one in
a process of its own. ``README.md`` beside this file lists what it imitates and what nobody has verified.
"""
