"""What servers and models say in forms of their own: one table, as data.

"OpenAI-compatible" leaves much open: how an answer ends, how a context that is too long is
refused, where thoughts go, how a call looks when the server's parser did not recognise it. The
readers (`stream`, `written`, `inline_calls`, `refusals`) hold the rules and look the words up here.
Sources are named beside each entry, as read in 2026-11.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# --- Finish reasons, compared without case -----------------------------------------------------
# Only these say that an answer is complete. Whatever is not listed means that it is not.
FINISH_COMPLETE = frozenset(
    {
        *("stop", "tool_calls", "function_call"),  # OpenAI, Azure; Gemini says STOP
        *("end_turn", "tool_use", "stop_sequence"),  # Anthropic; LiteLLM passes them on
        *("complete", "tool_call"),  # Cohere
        *("eos", "eos_token"),  # Together, Hugging Face TGI
    }
)
# The answer is what it is up to here, and cut.
FINISH_LENGTH = frozenset(
    {
        "length",  # OpenAI and nearly all others
        "max_tokens",  # Anthropic, Cohere; Gemini's MAX_TOKENS
        "max_output_tokens",  # OpenAI Responses behind a gateway
        "model_length",  # Mistral
        "model_context_window_exceeded",  # Anthropic, Zhipu
    }
)
# Where these end an answer that has nothing in it, the request alone filled the context.
FINISH_OVERFLOW = frozenset({"model_context_window_exceeded"})
FINISH_FILTERED = frozenset(
    {
        *("content_filter", "refusal"),  # OpenAI, Azure; Anthropic
        *("sensitive", "guardrail_intervened"),  # Zhipu; Bedrock
        *("safety", "recitation", "prohibited_content", "blocklist", "spii"),  # Gemini
    }
)
# The server failed on its way, so that the same request may succeed.
FINISH_BROKEN = frozenset(
    {
        "error",  # OpenRouter, Mistral, Cohere; the choice then has an `error`
        "network_error",  # Zhipu
        "insufficient_system_resource",  # DeepSeek
        *("abort", "timeout"),  # SGLang and vLLM; Cohere
    }
)
# Here the server says that it passed a call on.
FINISH_CALLED = frozenset({"tool_calls", "function_call", "tool_use", "tool_call"})

# --- Server-sent events ------------------------------------------------------------------------
# Data that only keeps the connection alive. Comments (`: OPENROUTER PROCESSING`, `: keep-alive`
# of DeepSeek) and events without data are none at all by the standard (WHATWG HTML, 9.2.6).
KEEP_ALIVE = frozenset({"", "null", "{}", "[]", "ping", "heartbeat", "keepalive", "keep-alive"})
DONE = "[DONE]"

# --- Models that never think aloud ---------------------------------------------------------------
# Beginnings of model names, without a provider before them. Their chat templates open no thoughts,
# by the model cards; hosted ones keep thoughts apart. What is not listed may, so that the first
# reply of such a model is shown only when it is complete.
NEVER_THINKS = (
    *("gpt-3", "gpt-4", "gpt-5", "gpt-6", "chatgpt-", "o1", "o3", "o4"),  # OpenAI; not gpt-oss
    *("claude-", "gemini-", "command-", "grok-"),
    *("llama-3", "llama3", "llama-4", "llama4", "meta-llama-3"),
    *("qwen2", "gemma-2", "gemma-3", "gemma2", "gemma3"),
    *("mistral-", "mixtral", "ministral", "codestral", "devstral"),
    *("phi-3", "phi3", "phi-4-mini-instruct", "smollm2", "tinyllama"),
)


def never_thinks(model: str) -> bool:
    """Whether a model is known not to write its thoughts into its replies."""
    return model.rpartition("/")[2].casefold().startswith(NEVER_THINKS)


# --- A context that is too long ----------------------------------------------------------------
OVERFLOW_CODES = frozenset(
    {
        "context_length_exceeded",  # OpenAI, Azure, Groq, Cerebras
        "context_window_exceeded",  # Letta and other gateways
        "contextwindowexceedederror",  # LiteLLM
        "exceed_context_size_error",  # llama.cpp
        "model_max_prompt_tokens_exceeded",  # GitHub Models and Copilot
        *("request_too_large", "tokens_limit_reached"),  # Anthropic; Azure AI Inference
        "1261",  # Zhipu: "Prompt exceeds max length"
    }
)
# Parts of messages, in lower case.
OVERFLOW_WORDS = (
    "maximum context length",  # OpenAI, DeepSeek, vLLM, SGLang, Mistral, OpenRouter, Fireworks
    "maximum model length",  # vLLM: "is longer than the maximum model length of"
    "max_model_len",  # vLLM
    "longer than the model's context length",  # SGLang
    "context window",  # OpenAI ("exceeds the context window"), MiniMax, LiteLLM, Ollama
    "context size",  # llama.cpp: "exceeds the available context size"; "has been exceeded"
    *("context length exceeded", "context overflow"),  # gateways
    "the context length",  # LM Studio ("is greater than"), Ollama ("exceeds")
    *("context the overflows", "context overflows"),  # LM Studio, the first as it is written there
    "prompt is too long",  # Anthropic, Fireworks
    *("prompt too long", "max context length"),  # Ollama: "prompt too long; exceeded max ..."
    "too long to fit into the model",  # vLLM: "The prompt (total length X) is ..."
    "exceed context limit",  # Anthropic: "input length and `max_tokens` exceed context limit"
    "input is too long",  # Bedrock
    "input token count",  # Gemini: "exceeds the maximum number of tokens allowed"
    "maximum prompt length",  # xAI
    "prompt token count",  # Copilot: "of X exceeds the limit of Y"
    *("prompt exceeds max", "prompt超长", "prompt 超长"),  # Zhipu
    *("exceeded model token limit", "token limit exceeded"),  # Moonshot
    "range of input length should be",  # DashScope
    "reduce the length of the messages",  # OpenAI, Groq, Cerebras
    "`max_new_tokens` must be <=",  # TGI, Together: "`inputs` tokens + ... must be <= 8193"
    "`inputs` must have less than",  # TGI: "... 4096 tokens. Given: 4545"
    "contextwindowexceedederror",  # LiteLLM, which has the name of its error in the words, too
    "request payload size exceeds",  # Gemini
    "max bytes to request body",  # DashScope
    "too many tokens",  # Cohere
    "too large to process",  # llama.cpp: "input is too large to process. increase the ... batch"
    *("request entity too large", "payload too large"),  # nginx, Express
)
# At a limit of tokens a minute these say that one request alone is over it: waiting cannot help.
OVERFLOW_RATE_WORDS = (
    "reduce your message size",  # Groq
    "input or output tokens must be reduced",  # OpenAI
)
OVERFLOW_STATUS = 413  # Anthropic, Groq, Cerebras and proxies

# At a status of 429 these say that money is missing: waiting cannot help.
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",  # OpenAI
        *("1113", "exceeded_current_quota_error"),  # Zhipu; Moonshot
    }
)

FILTER_CODES = frozenset(
    {
        "content_filter",  # Azure
        "content_policy_violation",  # OpenAI, LiteLLM
        "responsibleaipolicyviolation",  # Azure, inner error
        "data_inspection_failed",  # DashScope
        "1301",  # Zhipu
    }
)
# What a deployment or model that is not there is called; a plain 404 is about the address.
UNKNOWN_MODEL_CODES = frozenset(
    {
        "deploymentnotfound",  # Azure; a wrong api-version has the code "404" and no such words
        "model_not_found",  # OpenAI, Groq
        *("not_found_error", "notfounderror"),  # Anthropic; vLLM
        "modelnotfound",  # Azure AI
    }
)

# --- Usage ---------------------------------------------------------------------------------------
# Where each figure may stand; the first that is a figure counts. Dots lead inside.
USAGE_INPUT = ("prompt_tokens", "input_tokens")  # OpenAI; Anthropic
USAGE_OUTPUT = ("completion_tokens", "output_tokens")
USAGE_CACHED = (
    "prompt_tokens_details.cached_tokens",  # OpenAI
    "input_tokens_details.cached_tokens",  # OpenAI Responses
    "prompt_cache_hit_tokens",  # DeepSeek
    "cache_read_input_tokens",  # Anthropic
    "cached_tokens",  # Moonshot, Together
)
# Anthropic's `input_tokens` leave out what was read from its cache or written to it.
USAGE_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")
USAGE_REASONING = (
    "completion_tokens_details.reasoning_tokens",  # OpenAI, OpenRouter, DeepSeek
    "output_tokens_details.reasoning_tokens",  # OpenAI Responses
    "reasoning_tokens",  # SGLang, xAI
)
# No request takes more; a larger figure is a fault of the server, and SQLite ends at 2^63.
LARGEST_FIGURE = 1_000_000_000

# --- Thoughts ------------------------------------------------------------------------------------
# Fields of a delta for thoughts: DeepSeek, vLLM, SGLang; OpenRouter, Ollama, Groq; Mistral.
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thoughts")


class Thought(NamedTuple):
    """What begins and what ends thoughts, as text. `ends` is a regular expression."""

    begins: str
    ends: str


def _tags(name: str) -> Thought:
    return Thought(f"<{name}>", re.escape(f"</{name}>"))


THOUGHTS = (
    _tags("think"),  # DeepSeek-R1, Qwen3, GLM, Kimi-K2, MiniMax, Hunyuan, Nemotron, ERNIE
    *map(_tags, ("thinking", "thought", "reasoning", "reason")),  # Open WebUI's list; EXAONE
    _tags("reflection"),
    _tags("seed:think"),  # Seed-OSS
    _tags("mm:think"),  # MiniMax-M3
    _tags("longcat_think"),  # LongCat
    Thought("[THINK]", r"\[/THINK\]"),  # Magistral
    Thought("◁think▷", "◁/think▷"),  # Kimi-VL
    Thought("<|begin_of_thought|>", r"<\|end_of_thought\|>"),  # Open Thoughts
    Thought("<|START_THINKING|>", r"<\|END_THINKING\|>"),  # Cohere Command A
    Thought("<|inner_prefix|>", r"<\|inner_suffix\|>"),  # Apertus
    Thought("<|open|>think<|sep|>", r"<\|close\|>think<\|sep\|>"),  # Kimi-K3
    Thought("<|channel>thought", r"<channel\|>"),  # Gemma 4
    Thought("<unused94>thought", "<unused95>"),  # MedGemma
    Thought("Here is my thought process:", r"Here is my response:"),  # Granite 3
    # Harmony (OpenAI, gpt-oss): the channel ends with its message, or where another begins.
    Thought("<|channel|>analysis<|message|>", r"<\|end\|>|(?=<\|start\|>|<\|channel\|>)"),
    Thought("<|start|>assistant<|channel|>analysis<|message|>", r"<\|end\|>|(?=<\|start\|>)"),
)
# Ends without a beginning: the beginning is in the prompt's template (Qwen3-Thinking, QwQ,
# DeepSeek-R1 behind vLLM or llama.cpp without a reasoning parser).
UNOPENED = tuple(
    Thought(thought.begins, thought.ends)
    for thought in THOUGHTS
    if "|channel|" not in thought.begins and not thought.begins.startswith("Here")
)
# What stands before the answer proper and belongs to no thought.
LEADS = (
    "<|start|>assistant<|channel|>final<|message|>",  # Harmony
    "<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>commentary<|message|>",  # its preamble to a call
    "<|channel|>commentary<|message|>",
    "<|START_RESPONSE|>",  # Cohere
    "<|open|>response<|sep|>",  # Kimi-K3
    "<|begin_of_solution|>",  # Open Thoughts
)
# Tokens that end a message, where a server does not take them away.
ENDS = (
    *("<|end|>", "<|return|>", "<|call|>"),  # Harmony, Phi
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>"),  # Qwen, Llama
    *("</s>", "<end_of_turn>", "<turn|>", "<|user|>", "<|observation|>"),  # Mistral, Gemma, GLM
    *("<｜end▁of▁sentence｜>", "<|END_RESPONSE|>", "<|END_OF_TURN_TOKEN|>"),  # DeepSeek, Cohere
    *("<|close|>response<|sep|>", "<|close|>message<|sep|>", "<|end_of_msg|>"),  # Kimi-K3
    "<|end_of_solution|>",
)

# --- Calls written as text ----------------------------------------------------------------------
# Tokens around calls. What stands between them is read by the forms of `inline_calls`.
CALL_TOKENS = (
    "[TOOL_CALLS]",  # Mistral
    *("<|python_tag|>", "<|python_start|>", "<|python_end|>"),  # Llama 3, Llama 4
    *("<|tool_call|>", "<|/tool_call|>", "</|tool_call|>"),  # Granite, Phi-4
    *("<|tool_call>", "<tool_call|>"),  # Gemma 4
    *("<start_function_call>", "<end_function_call>"),  # FunctionGemma
    *("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),  # Kimi-K2
    *("<|tool_call_section_begin|>", "<|tool_call_section_end|>"),
    *("<|tool_call_begin|>", "<|tool_call_end|>"),
    *("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),  # DeepSeek V3, R1, V3.1
    *("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),
    *("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),  # DeepSeek V3.2
    *("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"),  # DeepSeek V4
    *("<|tool_call_start|>", "<|tool_call_end|>"),  # LFM2
    *("<|START_ACTION|>", "<|END_ACTION|>"),  # Cohere
    *("<|action_start|>", "<|plugin|>", "<|action_end|>"),  # InternLM
    *("<minimax:tool_call>", "</minimax:tool_call>"),  # MiniMax-M2
    *("<seed:tool_call>", "</seed:tool_call>"),  # Seed-OSS
    *("<longcat_tool_call>", "</longcat_tool_call>"),  # LongCat
    *("<|tools_prefix|>", "<|tools_suffix|>"),  # Apertus
    *("<｜tool▁call▁sep｜>", "<|open|>tools<|sep|>"),  # StepFun, Kimi-K3: known, not read
    *("<|start|>assistant", "<|channel|>commentary", "<|channel|>analysis"),  # Harmony
)
# Tags that prose may name, too: only what follows tells.
CALL_TAGS = (
    "tool_call",  # Hermes, Qwen, GLM, Granite 3.1
    "tool_calls",  # Jamba, MiniMax-M1, Hunyuan
    *("function_call", "function_calls"),  # Granite 20B; OLMo 3, Anthropic
)
# Openings that need no token around them: Qwen3-Coder, Llama 3, Anthropic, DeepSeek, Phi-4-mini.
CALL_OPENINGS = ("<function=", '<function name="', '<invoke name="', '<｜DSML｜invoke name="')
# The keys of a call as JSON: OpenAI and Hermes; Llama; Cohere; Anthropic.
CALL_NAMES = ("name", "tool_name", "function")
CALL_ARGUMENTS = ("arguments", "parameters", "tool_arguments", "args", "input")
