"""Decisions: typed questions about a conversation, answered with probabilities.

`questions` has the questions and answers and the port `Decider`. Who answers lives elsewhere: a
server's decision model or a chat model in `engine.llm`, the sentence encoder in `engine.offline`.
No caller needs to know which of them it was.
"""
