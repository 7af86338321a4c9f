"""The assistant: routes, acts, replies. Knows no screen and no disk.

Start reading at `assistant.Assistant.respond`; what it yields is in `events`.
"""
